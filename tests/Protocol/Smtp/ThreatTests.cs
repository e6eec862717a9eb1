using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>Rows of the threat table (docs/threats.md) that need few words; the larger ones have classes of their own.</summary>
public class ThreatTests
{
    const string Trusted = "127.0.0.1";

    static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    [Theory]
    [InlineData("MAIL FROM:<a@a.example> ENVID=a+0Ab")]
    [InlineData("MAIL FROM:<a@a.example> ENVID=a+0D+0Ab")]
    [InlineData("MAIL FROM:<a@a.example> AUTH=a+0Ab@a.example")]
    [InlineData("MAIL FROM:<a@a.example> AUTH=a+00")]
    [InlineData("MAIL FROM:<>\r\nRCPT TO:<b@foo.com> ORCPT=rfc822;a+0Ab@foo.com")]
    [InlineData(@"MAIL FROM:<>\r\nRCPT TO:<b@foo.com> ORCPT=utf-8;a\x{A}b@foo.com")]
    [InlineData("MAIL FROM:<>\r\nRCPT TO:<b@foo.com> NOTIFY=NEVER+0ASUCCESS")]
    public async Task Envelope_in_line_formats(string commands)
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await rig.SayAsync("HELO a.example\r\n" + commands.Replace(@"\r\n", "\r\n") + "\r\nQUIT\r\n");
        said.Split("\r\n")[^3].ShouldStartWith("501 5.5.4");
        rig.Backend.LastRecipients.ShouldBeEmpty();
    }

    [Fact]
    public async Task Auth_parser_DoS_empty_local_part()
    {
        var rig = new SmtpRig { Client = Trusted };
        (await rig.SayAsync("HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<\"\"@foo.com>\r\nQUIT\r\n")).ShouldContain("501 5.1.3");
    }

    [Fact]
    public async Task CRLF_in_envelope_controls_in_a_quoted_local_part()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await rig.SayAsync("HELO a.example\r\nMAIL FROM:<\"a\tb\"@a.example>\r\nMAIL FROM:<>\r\nRCPT TO:<\"a\u0001b\"@foo.com>\r\nRCPT TO:<\"a\\\u0007\"@foo.com>\r\nQUIT\r\n");
        said.Split("\r\n").Count(l => l.StartsWith("553 5.1.3")).ShouldBe(3);
    }

    [Fact]
    public async Task STARTTLS_no_login_before_TLS()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        (await talk.AskAsync("EHLO a.example")).ShouldNotContain("AUTH");
        foreach (var mechanism in new[] { "PLAIN " + Base64("\0test\01234"), "LOGIN", "SCRAM-SHA-256" })
            (await talk.AskAsync("AUTH " + mechanism)).ShouldStartWith("538 5.7.11");
        rig.Accounts.Contexts.ShouldBeEmpty();
    }

    [Theory, InlineData(SmtpService.Relay), InlineData(SmtpService.Lmtp)]
    public async Task State_left_after_failed_transaction(SmtpService service)
    {
        var rig = new SmtpRig { Service = service, Options = new() { Hostname = "foo.com", MaxErrors = 1000, MaxMessageSize = 100, PenaltyStep = TimeSpan.Zero } };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        var hello = service == SmtpService.Lmtp ? "LHLO a.example" : "EHLO a.example";
        await talk.AskAsync(hello);
        // Every way a transaction can end; after each there is nothing to put a text into.
        foreach (var (command, code) in new[]
                 {
                     ("DATA\r\n\u0001ok\r\n.", "250"), ("DATA\r\n\u0001bare\r.\r\n.", "550"), ("DATA\r\n\u0001X-Refuse: 1\r\n.", "554"), ("DATA\r\n\u0001X-Fault: 1\r\n.", "451"),
                     ("DATA\r\n\u0001" + new string('x', 200) + "\r\n.", "552"), ("BDAT 2 LAST\r\n\r\n", "250"), ("BDAT 2 LAST\r\n\n\n", "550"),
                     ("BDAT 200 LAST\r\n" + new string('x', 200), "552"), ("RSET\r\n", "250"), (hello + "\r\n", "250"),
                 })
        {
            await talk.AskAsync("MAIL FROM:<a@a.example>");
            await talk.AskAsync("RCPT TO:<b@foo.com>");
            var parts = command.Split('\u0001');
            await talk.SendAsync(parts[0]);
            if (parts.Length > 1)
            {
                (await talk.ReplyAsync()).ShouldStartWith("354");
                await talk.SendAsync(parts[1] + "\r\n");
            }
            (await talk.ReplyAsync()).ShouldStartWith(code, customMessage: command);
            (await talk.AskAsync("DATA")).ShouldStartWith("503 5.5.1", customMessage: command);
            (await talk.AskAsync("BDAT 0 LAST")).ShouldStartWith("503 5.5.1", customMessage: command);
            (await talk.AskAsync("RCPT TO:<b@foo.com>")).ShouldStartWith("503 5.5.1", customMessage: command);
        }
        // A transaction whose recipients were all refused is none either.
        await talk.AskAsync("MAIL FROM:<a@a.example>");
        (await talk.AskAsync("RCPT TO:<denied@foo.com>")).ShouldStartWith("550");
        (await talk.AskAsync("DATA")).ShouldStartWith("503 5.5.1");
        rig.Backend.Violations.ShouldBeEmpty();
    }

    [Fact]
    public async Task Guessing_enumeration_by_VRFY_and_EXPN()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        var known = await talk.AskAsync("VRFY bob");
        known.ShouldStartWith("252 ");
        (await talk.AskAsync("VRFY ghost")).ShouldBe(known);
        (await talk.AskAsync("EXPN staff")).ShouldStartWith("502 ");
        (await talk.AskAsync("EXPN ghosts")).ShouldStartWith("502 ");
    }

    [Fact]
    public async Task Cross_protocol_on_LMTP()
    {
        var rig = new SmtpRig { Service = SmtpService.Lmtp };
        (await rig.SayAsync("A\r\nB\r\nC\r\nLHLO a.example\r\n")).ShouldEndWith("421 4.7.0 Too many unknown commands\r\n");
        (await rig.SayAsync("get / HTTP/1.1\r\nLHLO a.example\r\n")).ShouldEndWith("421 4.7.0 This is a mail server\r\n");
    }

    [Fact]
    public async Task Resource_floods_silent_strangers_make_room_under_stress()
    {
        var clock = new FakeTimeProvider();
        var stress = false;
        var rig = new SmtpRig { Time = clock, Options = new() { Hostname = "foo.com", UnderStress = () => stress } };
        using var watch = new DeadlineWatch(clock);
        await using var talk = rig.Talk(watch);
        await talk.ReplyAsync();
        stress = true;
        await talk.AskAsync("EHLO a.example");
        var before = clock.GetUtcNow();
        var answer = talk.ReplyAsync();
        while (!answer.IsCompleted)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        (await answer).ShouldStartWith("421 4.4.2");
        (clock.GetUtcNow() - before).ShouldBeInRange(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));
    }

    [Theory, InlineData(SmtpService.Submission), InlineData(SmtpService.Relay)]
    public async Task Secrets_are_not_logged(SmtpService service)
    {
        // At every level, and also where the client and the server disagree about what is being said.
        var rig = new SmtpRig { Service = service, PlaintextLogin = true, Client = Trusted, Options = new() { Hostname = "foo.com", MaxUnknownCommands = 100, MaxErrors = 100, MaxFailedLogins = 100, PenaltyStep = TimeSpan.Zero } };
        var plain = Base64("\0test\0canary-1");
        string[] lines =
        [
            "EHLO a.example", "AUTH PLAIN " + plain, "AUTH PLAIN", plain, "AUTH LOGIN", Base64("test"), Base64("canary-2"), "AUTH LOGIN " + Base64("test"), Base64("canary-2"),
            "AUTH NONE", plain, "AUTH PLAIN !", plain, "AUTH\tPLAIN " + plain, "AUTHPLAIN " + plain, "PASS canary-3", "auth plain " + plain, Base64("canary-2"),
        ];
        await using (var talk = rig.Talk())
        {
            await talk.ReplyAsync();
            foreach (var line in lines) await talk.AskAsync(line);
            await talk.AskAsync("QUIT");
        }
        rig.Log.Lines.ShouldNotBeEmpty();
        foreach (var secret in new[] { "canary", plain, Base64("canary-2") })
            rig.Log.Lines.ShouldNotContain(l => l.Contains(secret, StringComparison.OrdinalIgnoreCase));
    }
}
