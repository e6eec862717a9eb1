using System.Collections;
using System.Text;
using Posthorn.Configuration;

namespace Posthorn.Tests.Unit.Host.Configuration;

/// <summary>Configurations for tests.</summary>
static class Configs
{
    /// <summary>The file that the program promises to take, word for word.</summary>
    internal const string Promised = """
        {
          "hostname": "mail.example.test",
          "dataDirectory": "data",                      // relative to this file
          "listeners": [
            { "protocol": "smtp",       "address": "127.0.0.1:2025" },
            { "protocol": "submission", "address": "127.0.0.1:2587", "plaintextLogin": "loopback" },
            { "protocol": "pop3",       "address": "127.0.0.1:2110", "plaintextLogin": "loopback" },
            { "protocol": "lmtp",       "address": "unix:data/lmtp.sock" }
          ],
          "relay": { "trustedNetworks": ["127.0.0.0/8"] },   // may relay; exempt from rate limits
          "dns": { "servers": ["127.0.0.1:5353"] }
        }
        """;

    internal static LoadedConfig Load(string text, Hashtable? environment = null, params string[] settings) =>
        new ConfigLoader(environment ?? []).Parse(Encoding.UTF8.GetBytes(text), "/srv/mail/posthorn.json", settings);

    /// <summary>What is wrong with it, one line each, with the file's name only.</summary>
    internal static string Errors(string text, Hashtable? environment = null, params string[] settings)
    {
        try { Load(text, environment, settings); }
        catch (ConfigException e) { return string.Join('\n', e.Errors).Replace("/srv/mail/", ""); }
        return "";
    }
}
