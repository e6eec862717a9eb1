using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

public sealed class PeersAsSendersFixture() : PeersFixture(["postfix", "exim", "opensmtpd"], peerSize: 4_000_000, ownSize: 100_000);

/// <summary>Mail servers of others that bring us mail.</summary>
public sealed class PeersAsSenders(PeersAsSendersFixture fixture) : IClassFixture<PeersAsSendersFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Hands a message to the peer, as its own users do.</summary>
    static async Task HandInAsync(Peer peer, string from, string to, string text, string mail, string parameters)
    {
        await using var client = await LineClient.ConnectAsync(Ports.Loopback(peer.Port), Ct);
        await client.ReplyAsync(Ct);
        foreach (var command in (string[])["EHLO client.test", $"MAIL FROM:<{from}>{mail}", $"RCPT TO:<{to}>{parameters}", "DATA"])
            Assert.Matches("^[23]", await client.CommandAsync(command, Ct));
        await client.WriteAsync(Texts.Octets(string.Join('\n', text.Split('\n').Select(l => l.StartsWith('.') ? "." + l : l))), Ct);
        Assert.StartsWith("250", await client.CommandAsync(".", Ct));
        await client.SendAsync("QUIT", Ct);
    }

    /// <summary>Waits until the account of this peer has such a message.</summary>
    async Task<ReadMessage> MailAsync(Peer peer, string words) => await fixture.MailAsync(peer.Name, m => m.Text.Contains(words, StringComparison.Ordinal));

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    public async Task What_they_bring_arrives_as_it_was_sent(string name)
    {
        var peer = fixture.Take(name);
        var user = PeersFixture.User(name);
        foreach (var make in (Func<string, string>[])[id => Texts.Dots("sender@far.test", user, id), id => Texts.EightBit("sender@far.test", user, id), id => Texts.Attachment("sender@far.test", user, id, 50_000)])
        {
            var id = Texts.NewId();
            var text = make(id);
            await HandInAsync(peer, "sender@far.test", user, text, " BODY=8BITMIME", "");
            var message = await MailAsync(peer, $"<{id}@client.test>");
            Texts.CheckExact(text, message.Octets);
            Assert.StartsWith("Return-Path: <sender@far.test>\r\n", message.Text);
            // Two hops: ours on top, which says that the peer came with TLS.
            var received = message.Header("Received");
            Assert.Equal(2, received.Count);
            Assert.Matches($@"^from {peer.Domain} .*by here\.test with ESMTPS ", received[0]);
        }
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    public async Task The_wish_for_a_success_notice_comes_through(string name)
    {
        var peer = fixture.Take(name);
        var (user, id) = (PeersFixture.User(name), Texts.NewId());
        await HandInAsync(peer, user, user, Texts.Dots(user, user, id), $" RET=HDRS ENVID={id}", $" NOTIFY=SUCCESS ORCPT=rfc822;first{user}");
        await MailAsync(peer, $"<{id}@client.test>");
        // The notice is ours, about the delivery into the mailbox, and the peer made none.
        var notice = await fixture.MailAsync(name, m => m.Text.Contains("Action: delivered", StringComparison.Ordinal) && m.Text.Contains(id, StringComparison.Ordinal));
        Assert.Contains("Reporting-MTA: dns; here.test\r\n", notice.Text);
        Assert.Contains($"Original-Recipient: rfc822; first{user}\r\n", notice.Text.Replace("rfc822;first", "rfc822; first", StringComparison.Ordinal));
        if (name != "opensmtpd") Assert.Contains($"Original-Envelope-Id: {id}\r\n", notice.Text); // it does not pass ENVID on
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    public async Task Too_large_for_us(string name)
    {
        var peer = fixture.Take(name);
        var (user, id) = (PeersFixture.User(name), Texts.NewId());
        await HandInAsync(peer, user, user, Texts.Attachment(user, user, id, 200_000), " RET=HDRS", "");
        if (name == "opensmtpd")
        {
            await peer.LoggedAsync("result=\"PermFail\" stat=\"message too large", Ct); // its notice has the whole message in it, too large as well
            return;
        }
        var bounce = await MailAsync(peer, id);
        Assert.Contains($"MAILER-DAEMON@{peer.Domain}", bounce.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("(?i)message size|too large", bounce.Text);
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    public async Task A_recipient_we_do_not_know(string name)
    {
        var peer = fixture.Take(name);
        var (user, id) = (PeersFixture.User(name), Texts.NewId());
        await HandInAsync(peer, user, "nobody@here.test", Texts.Dots(user, "nobody@here.test", id), " RET=HDRS", "");
        var bounce = await MailAsync(peer, id);
        Assert.Contains("5.1.1", bounce.Text);
    }
}
