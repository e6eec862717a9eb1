using System.Text;
using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

public sealed class NextHopsFixture() : PeersFixture(["postfix", "exim", "opensmtpd", "aiosmtpd", "sevenbit"], peerSize: 4_000_000, ownSize: 20_000_000);

/// <summary>Mail servers of others as the next hop: mail arrives there as it was sent, with all that they offer.</summary>
public sealed class NextHops(NextHopsFixture fixture) : IClassFixture<NextHopsFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    MailHost Host => fixture.Host;

    Task<string> SubmitAsync(Peer peer, IEnumerable<string> to, string text, string mail = "", string parameters = "") =>
        Host.SubmitAsync(PeersFixture.User(peer.Name), PeersFixture.User(peer.Name), to, text, Ct, mail, parameters);

    async Task<TakenMessage> ArrivedAsync(Peer peer, string trace, string id)
    {
        for (var waited = 0; ; waited += 50)
        {
            if (fixture.Sink.Taken.FirstOrDefault(m => m.Field("Message-ID") == $"<{id}@client.test>") is { } message) return message;
            if (waited > 30_000) throw new TimeoutException($"nothing came in 30 s\n{string.Join('\n', await Host.StoryAsync(trace, Ct))}\n{peer.Tail}");
            await Task.Delay(50, Ct);
        }
    }

    [Theory]
    [InlineData("postfix", "SIZE= BODY=8BITMIME RET= BDAT")]
    [InlineData("exim", "M8S=8 K L")]
    [InlineData("opensmtpd", "SIZE= BODY=8BITMIME RET=")]
    [InlineData("aiosmtpd", "SIZE= BODY=8BITMIME")]
    public async Task Arrives_as_it_was_sent_with_what_the_peer_offers(string name, string used)
    {
        var peer = fixture.Take(name);
        var user = PeersFixture.User(name);
        string[] two = [$"one@{peer.Domain}", $"two@{peer.Domain}"];
        foreach (var make in (Func<string, string>[])[id => Texts.Dots(user, two[0], id), id => Texts.EightBit(user, two[0], id), id => Texts.Attachment(user, two[0], id, 2_000_000)])
        {
            var id = Texts.NewId();
            var text = make(id);
            var trace = await SubmitAsync(peer, two, text, " BODY=8BITMIME RET=HDRS");
            var arrived = await ArrivedAsync(peer, trace, id);
            Texts.CheckExact(text, arrived.Octets);
            Assert.Equal(user, arrived.ReversePath);
            // Whether the peer passes both on together is its own choice; from us it had them in one transaction.
            Assert.Subset(two.ToHashSet(), arrived.Recipients.ToHashSet());
            var delivered = await Host.EventAsync(trace, "delivered", Ct);
            // Debian's OpenSMTPD 6.8 loses its key with OpenSSL 3: every handshake fails, and the message goes in clear at once.
            if (delivered["tls"] is null) Assert.NotEmpty(name == "opensmtpd" ? peer.LinesWith("SSL library error") : []);
            else Assert.StartsWith("TLS1.", delivered["tls"]!.GetValue<string>());
            Assert.StartsWith("250", delivered["reply"]!.GetValue<string>());
        }
        var log = peer.Log;
        foreach (var word in used.Split(' ')) Assert.Contains(word, log);
        Assert.Contains(name == "exim" ? "X=TLS1" : name == "aiosmtpd" ? "\"tls\": true" : "STARTTLS", log);
    }

    [Fact]
    public async Task Text_for_a_server_without_8BITMIME_is_encoded()
    {
        var peer = fixture.Take("sevenbit");
        var (user, id) = (PeersFixture.User("sevenbit"), Texts.NewId());
        var trace = await SubmitAsync(peer, ["one@" + peer.Domain], Texts.EightBit(user, "one@" + peer.Domain, id), " BODY=8BITMIME");
        var arrived = await ArrivedAsync(peer, trace, id);
        Assert.DoesNotContain(arrived.Octets, o => o > 127);
        var read = await Tool.RunBytesAsync(AiosmtpdRecipe.Python, ["-c", "import email, email.policy, sys; sys.stdout.buffer.write(email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default).get_content().encode())"], Ct, arrived.Octets);
        Assert.True(read.ExitCode == 0, read.Told);
        Assert.Equal(Texts.Words, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(read.Output)).Replace("\r\n", "\n"));
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    [InlineData("aiosmtpd")]
    public async Task Too_large_for_the_peer(string name)
    {
        var peer = fixture.Take(name);
        var user = PeersFixture.User(name);
        var trace = await SubmitAsync(peer, ["large@" + peer.Domain], Texts.Attachment(user, "large@" + peer.Domain, Texts.NewId(), 3_500_000));
        var bounced = await Host.EventAsync(trace, "bounced", Ct);
        Assert.Equal("5.3.4", bounced["status"]!.GetValue<string>());
        await NoticeAsync(trace, name, "Status: 5.3.4");
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    [InlineData("aiosmtpd")]
    public async Task A_recipient_that_the_peer_does_not_know(string name)
    {
        var peer = fixture.Take(name);
        var (user, id) = (PeersFixture.User(name), Texts.NewId());
        var text = Texts.Dots(user, "one@" + peer.Domain, id);
        var trace = await SubmitAsync(peer, [$"{PeerPlan.Unknown}@{peer.Domain}", "one@" + peer.Domain], text);
        // The other one gets the message.
        Assert.Equal(["one@" + peer.Domain], (await ArrivedAsync(peer, trace, id)).Recipients);
        var bounced = await Host.EventAsync(trace, "bounced", Ct);
        Assert.Equal($"{PeerPlan.Unknown}@{peer.Domain}", bounced["to"]!.GetValue<string>());
        // OpenSMTPD has words of its own.
        await NoticeAsync(trace, name, name == "opensmtpd" ? "Invalid recipient" : PeerPlan.Refusal);
    }

    [Theory]
    [InlineData("postfix")]
    [InlineData("exim")]
    [InlineData("opensmtpd")]
    public async Task The_wish_for_a_success_notice_is_passed_on(string name)
    {
        var peer = fixture.Take(name);
        var (user, id) = (PeersFixture.User(name), Texts.NewId());
        var trace = await SubmitAsync(peer, ["one@" + peer.Domain], Texts.Dots(user, "one@" + peer.Domain, id), $" RET=HDRS ENVID={id}", " NOTIFY=SUCCESS,FAILURE");
        await ArrivedAsync(peer, trace, id);
        // The peer took the wish over: the notice is its own. We send none.
        var notice = await fixture.MailAsync(name, m => m.Text.Contains(id, StringComparison.Ordinal) && m.Text.Contains("Reporting-MTA:", StringComparison.Ordinal));
        Assert.Matches($"(?i)Reporting-MTA: *dns; *{peer.Domain}", notice.Text);
        Assert.Matches("Action: (relayed|delivered)", notice.Text);
        if (name != "opensmtpd") Assert.Matches($"(?i)Original-Envelope-ID: *{id}", notice.Text); // it leaves the envelope id out
        Assert.DoesNotContain(await Host.StoryAsync(trace, Ct), e => e.Kind == "notified");
    }

    [Fact]
    public async Task Where_nobody_takes_the_wish_over_we_tell()
    {
        var peer = fixture.Take("aiosmtpd");
        var (user, id) = (PeersFixture.User("aiosmtpd"), Texts.NewId());
        var trace = await SubmitAsync(peer, ["one@" + peer.Domain], Texts.Dots(user, "one@" + peer.Domain, id), "", " NOTIFY=SUCCESS");
        await ArrivedAsync(peer, trace, id);
        Assert.Contains("Action: relayed", (await NoticeAsync(trace, "aiosmtpd", "dns; here.test")).Text);
    }

    /// <summary>The notice that we sent about a message has these words.</summary>
    async Task<ReadMessage> NoticeAsync(string trace, string name, string words)
    {
        var notified = await Host.EventAsync(trace, "notified", Ct);
        var notice = await fixture.MailAsync(name, m => m.Text.Contains($"id {notified["notice"]!.GetValue<string>()}", StringComparison.Ordinal) || m.Text.Contains(trace, StringComparison.Ordinal));
        Assert.Contains(words, notice.Text.Replace("\r\n ", " ").Replace("\r\n", " "));
        return notice;
    }
}
