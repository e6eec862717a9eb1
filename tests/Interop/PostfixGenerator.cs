using System.Net.Sockets;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Postfix's load generator, which follows the letter of SMTP and LMTP.</summary>
public sealed class PostfixGenerator(ConfiguredFixture configured) : IClassFixture<ConfiguredFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    Installation Server => configured.Installation;

    async Task<List<ReadMessage>> TakeAllAsync(string user)
    {
        await using var reader = await Pop3Reader.LoginAsync(Server.Pop3, user + "@example.test", Installation.Password, Ct);
        var all = new List<ReadMessage>();
        await foreach (var message in reader.AllAsync(Ct)) all.Add(message);
        await reader.DeleteAsync([.. all.Select(m => m.Number)], Ct);
        await reader.QuitAsync(Ct);
        return all;
    }

    // smtp-source says HELO, so it is SMTP, not ESMTP, that the Received line must name (RFC 3848).
    async Task RunAsync(string user, int count, string[] options, string target, string via)
    {
        Assert.SkipWhen(Tool.Missing("smtp-source") is not null, "not installed: smtp-source (package postfix)");
        var run = await Tool.RunAsync("smtp-source", [.. options, "-m", $"{count}", "-l", "4096", "-f", "a@remote.test", "-t", user + "@example.test", target], Ct, seconds: 60);
        Assert.True(run.ExitCode == 0, run.Told + "\n--- server\n" + configured.Server.Tail);
        var messages = await TakeAllAsync(user);
        Assert.Equal(count, messages.Count);
        Assert.Equal(count, messages.Select(m => m.Uid).Distinct().Count());
        Assert.Equal(count, messages.Select(m => Assert.Single(m.Header("Message-Id"))).Distinct().Count());
        foreach (var message in messages) Letter.CheckTrace(message, "a@remote.test", via);
    }

    [Fact]
    public Task Smtp_many_sessions() => RunAsync("user1", 200, ["-s", "20"], $"127.0.0.1:{Server.Smtp}", "SMTP");

    [Fact]
    public Task Smtp_many_messages_in_one_session() => RunAsync("user1", 100, ["-s", "1", "-d"], $"127.0.0.1:{Server.Smtp}", "SMTP");

    [Fact]
    public Task Lmtp_over_the_unix_socket() => RunAsync("user2", 100, ["-L", "-s", "10", "-d"], "unix:" + Server.LmtpSocket, "LMTP");

    [Fact]
    public async Task Lmtp_answers_for_each_recipient()
    {
        // RFC 2033 §4.2: after the final dot one reply per accepted recipient, in their order.
        await using var lmtp = await LineClient.ConnectAsync(new UnixDomainSocketEndPoint(Server.LmtpSocket), Ct);
        Assert.StartsWith("220 ", await lmtp.ReplyAsync(Ct));
        Assert.StartsWith("5", await lmtp.CommandAsync("EHLO local", Ct)); // RFC 2033 §4.1: never a positive reply
        Assert.StartsWith("250", await lmtp.CommandAsync("LHLO local", Ct));
        Assert.StartsWith("250 ", await lmtp.CommandAsync("MAIL FROM:<>", Ct));
        Assert.StartsWith("250 ", await lmtp.CommandAsync("RCPT TO:<user2@example.test>", Ct));
        Assert.StartsWith("550 ", await lmtp.CommandAsync("RCPT TO:<nobody@example.test>", Ct));
        Assert.StartsWith("250 ", await lmtp.CommandAsync("RCPT TO:<user3@example.test>", Ct));
        Assert.StartsWith("354 ", await lmtp.CommandAsync("DATA", Ct));
        Assert.StartsWith("250 2.", await lmtp.CommandAsync("Subject: two\r\n\r\nboth\r\n.", Ct));
        Assert.StartsWith("250 2.", await lmtp.ReplyAsync(Ct));
        Assert.StartsWith("221 ", await lmtp.CommandAsync("QUIT", Ct));
        Assert.Equal("<>", Assert.Single(Assert.Single(await TakeAllAsync("user3")).Header("Return-Path")));
        Assert.Single(await TakeAllAsync("user2"));
    }
}
