using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Posthorn.Tests.Testing.Running;

/// <summary>
/// A configured server in a directory of its own: configuration file, data directory, domain example.test and accounts.
/// Ports are base + 25 (smtp), + 587 (submission) and + 110 (pop3); LMTP is a Unix socket.
/// </summary>
public sealed class Installation(string directory, string data, int portBase)
{
    public const string Password = "correct-horse-battery";

    public string ConfigFile { get; } = Path.Combine(directory, "posthorn.json");

    /// <summary>The data directory; it may lie on another file system than the configuration.</summary>
    public string Data => data;

    public int Smtp => portBase + 25;
    public int Submission => portBase + 587;
    public int Pop3 => portBase + 110;
    public string LmtpSocket { get; } = Path.Combine(directory, "lmtp.sock");

    /// <summary>Sections laid over the configuration, by name.</summary>
    public Dictionary<string, JsonNode> Sections { get; } = [];

    /// <summary>Whether loopback may relay and is exempt from rate limits.</summary>
    public bool TrustLoopback { get; init; } = true;

    /// <summary>Writes the configuration and makes the accounts, before any server runs.</summary>
    public async Task CreateAsync(IEnumerable<string> users, CancellationToken ct)
    {
        await WriteConfigAsync(ct);
        await VerbAsync(["domain", "add", "example.test"], ct);
        var password = Path.Combine(directory, "password");
        await File.WriteAllTextAsync(password, Password + "\n", Encoding.ASCII, ct);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var user in users) await VerbAsync(["account", "add", user + "@example.test", "--password-file", password], ct);
    }

    /// <summary>Writes the configuration file.</summary>
    public Task WriteConfigAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        var config = new JsonObject
        {
            ["hostname"] = "mail.example.test",
            ["dataDirectory"] = data,
            ["listeners"] = new JsonArray(
                Listener("smtp", $"127.0.0.1:{Smtp}"),
                Listener("submission", $"127.0.0.1:{Submission}", plaintext: true),
                Listener("pop3", $"127.0.0.1:{Pop3}", plaintext: true),
                Listener("lmtp", "unix:" + LmtpSocket)),
            ["log"] = new JsonObject { ["level"] = "warning" },
        };
        if (TrustLoopback) config["relay"] = new JsonObject { ["trustedNetworks"] = new JsonArray("127.0.0.0/8") };
        foreach (var (name, section) in Sections) config[name] = section.DeepClone();
        return File.WriteAllTextAsync(ConfigFile, config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }), ct);
    }

    public Task<ServerProcess> StartAsync(CancellationToken ct, IEnumerable<string>? wrapper = null) =>
        ServerProcess.StartAsync(["serve", "--config", ConfigFile], [Smtp, Pop3], ct, wrapper);

    /// <summary>Runs a verb with this configuration; throws when it fails.</summary>
    public async Task<ToolResult> VerbAsync(IEnumerable<string> arguments, CancellationToken ct)
    {
        var result = await ServerProcess.RunVerbAsync([.. arguments, "--config", ConfigFile], ct, seconds: 60);
        return result.ExitCode == 0 ? result : throw new InvalidOperationException(result.Told);
    }

    static JsonObject Listener(string protocol, string address, bool plaintext = false)
    {
        var listener = new JsonObject { ["protocol"] = protocol, ["address"] = address };
        if (plaintext) listener["plaintextLogin"] = "loopback";
        return listener;
    }
}
