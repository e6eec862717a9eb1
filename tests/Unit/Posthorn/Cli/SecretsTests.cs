using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Configuration;
using Posthorn.Tests.Testing.Running;
using Posthorn.Tests.Unit.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Cli;

/// <summary>What a whole server logs at its most talkative, while people log in and fail to.</summary>
public sealed class SecretsTests
{
    const string Password = "canary correct horse", Wrong = "canary wrong guess";

    sealed class Talk(TcpClient client) : IDisposable
    {
        readonly StreamReader _reader = new(client.GetStream(), Encoding.ASCII);

        internal static async Task<Talk> OpenAsync(int port)
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
            var talk = new Talk(client);
            await talk._reader.ReadLineAsync();
            return talk;
        }

        internal async Task<string> AskAsync(string line)
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
            string? reply;
            do reply = await _reader.ReadLineAsync();
            while (reply is { Length: > 3 } && reply[3] == '-' && char.IsAsciiDigit(reply[0]));
            return reply ?? "(closed)";
        }

        public void Dispose() => client.Dispose();
    }

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    [Fact]
    public async Task Secrets_are_not_logged()
    {
        await using var program = new Program();
        var first = Ports.FreeBase();
        var (submission, pop3) = (first + 587, first + 110);
        await File.WriteAllTextAsync(program.ConfigFile, $$"""
            { "hostname": "mail.example.test", "dataDirectory": "data", "relay": { "trustedNetworks": ["127.0.0.0/8"] },
              "listeners": [ { "protocol": "submission", "address": "127.0.0.1:{{submission}}", "plaintextLogin": "loopback" },
                             { "protocol": "pop3", "address": "127.0.0.1:{{pop3}}", "plaintextLogin": "loopback" } ] }
            """, TestContext.Current.CancellationToken);
        await program.ServeAsync(LogSeverity.Debug);
        await program.RunAsync("domain add example.test");
        (await program.RunAsync(Password + "\n", "account", "add", "a@example.test", "--password-stdin")).ShouldBe(0, program.Errors);
        var app = (string)(await program.JsonAsync("account app-password add a@example.test phone"))["password"]!;

        using (var talk = await Talk.OpenAsync(submission))
        {
            await talk.AskAsync("EHLO a.example");
            (await talk.AskAsync("AUTH PLAIN " + Base64($"\0a@example.test\0{Wrong}"))).ShouldStartWith("535");
            await talk.AskAsync("AUTH LOGIN");
            await talk.AskAsync(Base64("a@example.test"));
            (await talk.AskAsync(Base64(Password))).ShouldStartWith("235");
        }
        using (var talk = await Talk.OpenAsync(submission))
        {
            await talk.AskAsync("EHLO a.example");
            const string bare = "n=a@example.test,r=fyko+d2lbbFgONRv9qkxdawL";
            var challenge = await talk.AskAsync("AUTH SCRAM-SHA-256 " + Base64("n,," + bare));
            var (final, _) = ScramClient.Answer("n,,", bare, Encoding.ASCII.GetString(Convert.FromBase64String(challenge[4..])), app, []);
            (await talk.AskAsync(Convert.ToBase64String(final))).ShouldStartWith("334");
            (await talk.AskAsync("")).ShouldStartWith("235");
        }
        using (var talk = await Talk.OpenAsync(pop3))
        {
            await talk.AskAsync("USER a@example.test");
            (await talk.AskAsync("PASS " + Wrong)).ShouldStartWith("-ERR");
            (await talk.AskAsync("PASS " + Wrong)).ShouldStartWith("-ERR");
            (await talk.AskAsync("AUTH PLAIN " + Base64($"\0a@example.test\0{app}"))).ShouldStartWith("+OK");
        }
        using (var talk = await Talk.OpenAsync(pop3))
        {
            await talk.AskAsync("USER a@example.test");
            (await talk.AskAsync("PASS " + Password)).ShouldStartWith("+OK");
        }

        var log = program.Logged();
        log.ShouldContain("debug ");
        log.ShouldContain("a@example.test");
        foreach (var secret in new[] { Password, Wrong, app, "canary" })
        {
            log.ShouldNotContain(secret);
            log.ShouldNotContain(Base64(secret));
        }
        foreach (var secret in new[] { $"\0a@example.test\0{Wrong}", $"\0a@example.test\0{app}" }) log.ShouldNotContain(Base64(secret));
    }
}
