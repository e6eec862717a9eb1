using System.Text;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>Our client with our server over a socket: every extension that both know.</summary>
public class ClientAgainstServerTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static SmtpClientSettings Settings(SmtpClientLogin? login = null, bool lmtp = false, bool tls = true) =>
        new("client.example.test", new SmtpClientTls(tls, tls, false, false, "foo.com"), login, lmtp);

    static async Task<T> TalkAsync<T>(SmtpRig rig, SmtpClientSettings settings, Func<SmtpClientSession?, SmtpFailure?, Task<T>> talk)
    {
        await using var pair = await SocketPair.ConnectAsync();
        var connection = pair.FarConnection(TimeProvider.System);
        var serving = Task.Run(async () =>
        {
            try { await rig.ServeAsync(connection); }
            finally { await connection.DisposeAsync(); }
        });
        var (session, failure) = await SmtpClientSession.OpenAsync(pair.Near, settings, CancellationToken.None).AsTask().WaitAsync(Patience);
        try { return await talk(session, failure).WaitAsync(Patience); }
        finally
        {
            if (session is not null) await session.DisposeAsync().AsTask().WaitAsync(Patience);
            await serving.WaitAsync(Patience);
        }
    }

    static string Text(int lines) => "Subject: test\r\n\r\n" + string.Concat(Enumerable.Range(0, lines).Select(i => i % 7 == 0 ? ".dots\r\n" : "line " + i + "\r\n"));

    [Theory]
    [InlineData(true, 10)]
    [InlineData(false, 10)]
    [InlineData(true, 250_000)] // four chunks
    public async Task Messages_arrive_as_they_are(bool tls, int lines)
    {
        var rig = new SmtpRig { Options = new SmtpServerOptions { Hostname = "foo.com", MaxMessageSize = 10_000_000 } };
        var text = Encoding.ASCII.GetBytes(Text(lines));
        var letter = ClientTranscript.Outgoing(["from=a@example.org", "to=b@foo.com", "to=c@foo.com", "8bit"]) with { Content = new ClientTranscript.Content(text) { Piece = 5000 } };
        await TalkAsync(rig, Settings(tls: tls), async (session, failure) =>
        {
            failure.ShouldBeNull();
            session!.Peer.Chunking.ShouldBeTrue();
            (session.Peer.Tls is not null).ShouldBe(tls);
            for (var i = 0; i < 3; i++)
            {
                var outcome = await session.SendAsync(letter, CancellationToken.None);
                outcome.Recipients.ShouldAllBe(r => r.Accepted);
                outcome.Reusable.ShouldBeTrue();
                session.IsAlive().ShouldBeTrue();
            }
            return true;
        });
        rig.Backend.Messages.Count.ShouldBe(3);
        foreach (var message in rig.Backend.Messages) (message.Text == Text(lines)).ShouldBeTrue();
        rig.Backend.Violations.ShouldBeEmpty();
    }

    [Fact]
    public async Task Lmtp_answers_for_each()
    {
        var rig = new SmtpRig { Service = SmtpService.Lmtp };
        var outcome = await TalkAsync(rig, Settings(lmtp: true, tls: false), async (session, _) =>
            await session!.SendAsync(ClientTranscript.Outgoing(["from=a@example.org", "to=b@foo.com", "to=c@foo.com"]), CancellationToken.None));
        outcome.Recipients.Count.ShouldBe(2);
        outcome.Recipients.ShouldAllBe(r => r.Accepted && r.Stage == SmtpStage.FinalDot);
        outcome.Reusable.ShouldBeTrue();
    }

    /// <summary>The strongest way in: SCRAM for who has keys for it, PLAIN behind it only where the server is known.</summary>
    [Theory]
    [InlineData("user", "pencil", true)]
    [InlineData("test", "1234", true)] // no SCRAM keys; PLAIN follows, since the peer is on loopback
    [InlineData("user", "pencils", false)]
    [InlineData("nobody", "pencil", false)]
    public async Task Logins(string user, string password, bool good)
    {
        var rig = new SmtpRig { Service = SmtpService.Submission };
        var failure = await TalkAsync(rig, Settings(new SmtpClientLogin(user, password, null)), (session, failure) =>
        {
            (session?.Peer.LoggedIn ?? false).ShouldBe(good);
            return Task.FromResult(failure);
        });
        if (good) failure.ShouldBeNull();
        else
        {
            failure!.Stage.ShouldBe(SmtpStage.Auth);
            failure.Reply!.Code.ShouldBe(535);
        }
    }

    [Fact]
    public async Task What_was_accepted_before_is_tried_first()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission };
        var by = default(string);
        for (var n = 0; n < 2; n++)
            by = await TalkAsync(rig, Settings(new SmtpClientLogin("test", "1234", null, by)), (session, _) => Task.FromResult(session?.Peer.LoginBy));
        by.ShouldBe("PLAIN");
        rig.Log.Lines.Count(l => l.Contains("SCRAM-SHA-256 authentication failed")).ShouldBe(1); // servers count these
    }

    [Fact]
    public async Task A_server_that_cannot_check_now()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission };
        rig.Accounts.Force = LoginOutcome.Unavailable;
        var failure = await TalkAsync(rig, Settings(new SmtpClientLogin("test", "1234", null)), (_, failure) => Task.FromResult(failure));
        failure!.Reply!.Code.ShouldBeOneOf(454, 535);
    }
}
