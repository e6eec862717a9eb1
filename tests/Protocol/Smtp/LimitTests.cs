using System.Text;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>Threat table: tiny chunks, auth parser DoS, resource floods and guessing inside one session; the deadlines.</summary>
public class LimitTests
{
    const string Trusted = "127.0.0.1";

    static async Task<string> SayAsync(SmtpRig rig, string text)
    {
        var said = await rig.SayAsync(text);
        rig.Backend.Violations.ShouldBeEmpty();
        rig.Backend.Open.ShouldBe(0);
        return said;
    }

    static int Count(string said, string line) => said.Split("\r\n").Count(l => l.StartsWith(line));

    static string Times(int n, string text) => string.Concat(Enumerable.Repeat(text, n));

    [Fact]
    public async Task Tiny_chunk_memory()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await SayAsync(rig, "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\n" + Times(20_000, "BDAT 1\r\nx"));
        Count(said, "250 2.0.0 Chunk").ShouldBe(10_000);
        said.ShouldEndWith("421 4.7.0 Too many chunks\r\n");
    }

    [Fact]
    public async Task Tiny_chunks_behind_a_refused_one()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await SayAsync(rig, "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\n" + Times(20_000, "BDAT 1\r\n\0"));
        Count(said, "550 5.5.2").ShouldBe(1);
        said.ShouldEndWith("421 4.7.0 Too many chunks\r\n");
    }

    [Fact]
    public async Task A_message_over_the_limit_is_read_to_its_end()
    {
        var rig = new SmtpRig();
        var line = new string('x', 998) + "\r\n";
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        foreach (var (lines, reply) in new[] { (1001, "552 5.3.4"), (1000, "250 2.0.0 Ok: m2") })
        {
            await talk.AskAsync("MAIL FROM:<>");
            await talk.AskAsync("RCPT TO:<b@foo.com>");
            await talk.AskAsync("DATA");
            (await talk.AskAsync(Times(lines, line) + ".")).ShouldStartWith(reply);
        }
        (await talk.AskAsync("QUIT")).ShouldStartWith("221");
        rig.Backend.Messages.Single().Text.Length.ShouldBe(1_000_000);
    }

    [Fact]
    public async Task Chunks_over_the_limit_are_swallowed()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await SayAsync(rig, "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\nBDAT 600000\r\n" + new string('x', 600_000) + "BDAT 600000\r\n" + new string('x', 600_000)
            + "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
        said.ShouldEndWith("250 2.0.0 Chunk received\r\n552 5.3.4 Message too large\r\n503 5.5.1 The message was refused\r\n250 2.0.0 Ok\r\n");
    }

    [Fact]
    public async Task A_very_long_line_of_text_is_no_error()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.AskAsync("MAIL FROM:<>");
        await talk.AskAsync("RCPT TO:<b@foo.com>");
        await talk.AskAsync("DATA");
        (await talk.AskAsync(new string('x', 500_000) + "\r\n.")).ShouldStartWith("250 2.0.0 Ok");
    }

    [Fact]
    public async Task A_command_line_over_the_limit()
    {
        var rig = new SmtpRig();
        var said = await SayAsync(rig, "NOOP " + new string('x', 2041) + "\r\nNOOP " + new string('x', 2042) + "\r\n" + new string('x', 1_000_000) + "\r\nQUIT\r\n");
        said.ShouldBe("220 foo.com ESMTP Posthorn\r\n250 2.0.0 Ok\r\n500 5.5.2 Line too long\r\n500 5.5.2 Line too long\r\n221 2.0.0 Bye\r\n");
    }

    [Fact]
    public async Task Recipients_over_the_limit()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await SayAsync(rig, "EHLO a.example\r\nMAIL FROM:<>\r\n" + Times(1003, "RCPT TO:<b@foo.com>\r\n"));
        Count(said, "250 2.1.5").ShouldBe(1000);
        Count(said, "452 4.5.3").ShouldBe(3);
    }

    [Fact]
    public async Task Guessing_and_enumeration_by_RCPT()
    {
        var clock = new FakeTimeProvider();
        var rig = new SmtpRig { Time = clock, Options = new() { Hostname = "foo.com" } };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.AskAsync("MAIL FROM:<>");
        // The first comes at once, each later one after a second more.
        (await talk.AskAsync("RCPT TO:<unknown@foo.com>")).ShouldStartWith("550 5.1.1");
        for (var i = 1; i < 10; i++)
        {
            var before = clock.GetUtcNow();
            var answer = talk.AskAsync("RCPT TO:<unknown@foo.com>");
            while (!answer.IsCompleted)
            {
                if (clock.Timers > 0) clock.Advance(TimeSpan.FromMilliseconds(500));
                await Task.Delay(1);
            }
            (await answer).ShouldStartWith("550 5.1.1");
            (clock.GetUtcNow() - before).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(Math.Min(i, 5)));
        }
        (await talk.AskAsync("RCPT TO:<unknown@foo.com>")).ShouldStartWith("421 4.7.0");
        (await talk.LineAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Known_hosts_may_ask_for_many_unknown_recipients()
    {
        var rig = new SmtpRig { Client = Trusted };
        Count(await SayAsync(rig, "EHLO a.example\r\nMAIL FROM:<>\r\n" + Times(50, "RCPT TO:<unknown@foo.com>\r\n") + "QUIT\r\n"), "550 5.1.1").ShouldBe(50);
    }

    [Fact]
    public async Task Too_many_errors()
    {
        var rig = new SmtpRig();
        var said = await SayAsync(rig, Times(30, "MAIL FROM:<>\r\n"));
        Count(said, "503").ShouldBe(19);
        said.ShouldEndWith("421 4.7.0 Too many errors\r\n");
    }

    [Fact]
    public async Task Errors_are_forgiven_by_a_message()
    {
        var rig = new SmtpRig { Client = Trusted };
        var said = await SayAsync(rig, "HELO a.example\r\n" + Times(3, Times(15, "RCPT TO:<>\r\n") + "MAIL FROM:<>\r\nRCPT TO:<b@foo.com>\r\nBDAT 0 LAST\r\n") + "QUIT\r\n");
        said.ShouldEndWith("221 2.0.0 Bye\r\n");
    }

    [Fact]
    public async Task Junk_commands()
    {
        var rig = new SmtpRig();
        var said = await SayAsync(rig, Times(200, "NOOP\r\n"));
        Count(said, "250").ShouldBe(100);
        said.ShouldEndWith("421 4.7.0 Too many commands without mail\r\n");
    }

    [Fact]
    public async Task Transactions_of_a_stranger()
    {
        var rig = new SmtpRig { Options = new() { Hostname = "foo.com", MaxTransactions = 3, PenaltyStep = TimeSpan.Zero } };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("HELO a.example");
        for (var i = 0; i < 3; i++)
        {
            (await talk.AskAsync("MAIL FROM:<>")).ShouldStartWith("250");
            (await talk.AskAsync("RSET")).ShouldStartWith("250");
        }
        (await talk.AskAsync("MAIL FROM:<>")).ShouldStartWith("421 4.7.0");
    }

    [Fact]
    public async Task Auth_parser_DoS()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission, PlaintextLogin = true, Client = Trusted };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        (await talk.AskAsync("AUTH PLAIN " + new string('A', 12_288))).ShouldStartWith("501 5.5.2"); // decodes to NULs
        (await talk.AskAsync("AUTH PLAIN " + new string('A', 13_000))).ShouldStartWith("500 5.5.2");
        (await talk.AskAsync("NOOP " + new string('A', 5000))).ShouldStartWith("500 5.5.2");
        await talk.AskAsync("AUTH PLAIN");
        (await talk.AskAsync(new string('A', 12_292))).ShouldStartWith("500 5.5.6");
        await talk.AskAsync("AUTH PLAIN");
        (await talk.AskAsync("AAA\0")).ShouldStartWith("501 5.5.2");
        (await talk.AskAsync("AUTH PLAIN AGZhdWx0AHg=")).ShouldStartWith("451 4.3.0");
        (await talk.AskAsync("AUTH PLAIN AHRlc3QAMTIzNA==")).ShouldStartWith("235");
        rig.Log.Lines.ShouldNotContain(l => l.Contains("MTIzNA"));
    }

    [Fact]
    public async Task Failed_logins_are_logged_and_limited()
    {
        var rig = new SmtpRig { Service = SmtpService.Submission, PlaintextLogin = true, Client = Trusted };
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        for (var i = 0; i < 4; i++) (await talk.AskAsync("AUTH PLAIN AHRlc3QAd3Jvbmc=")).ShouldBe("535 5.7.8 Authentication failed");
        (await talk.AskAsync("AUTH PLAIN AHRlc3QAd3Jvbmc=")).ShouldStartWith("421 4.7.0");
        rig.Log.Lines.Count(l => l.Contains("[127.0.0.1]: SASL PLAIN authentication failed")).ShouldBe(5);
    }

    [Theory, InlineData(LoginOutcome.Throttled, "421 4.7.0"), InlineData(LoginOutcome.Unavailable, "454 4.7.0")]
    public async Task Logins_that_cannot_be_checked(LoginOutcome outcome, string reply)
    {
        var rig = new SmtpRig { Service = SmtpService.Submission, PlaintextLogin = true, Client = Trusted };
        rig.Accounts.Force = outcome;
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        (await talk.AskAsync("AUTH PLAIN AHRlc3QAMTIzNA==")).ShouldStartWith(reply);
    }

    /// <summary>Plays a session on a standing clock, then lets time go by in steps until the server says something.</summary>
    static async Task<(string Said, TimeSpan After)> WaitAsync(SmtpRig rig, FakeTimeProvider clock, Func<SmtpTalk, Task> play, Func<SmtpTalk, Task>? drip = null)
    {
        using var watch = new DeadlineWatch(clock);
        await using var talk = rig.Talk(watch);
        await talk.ReplyAsync();
        await play(talk);
        var before = clock.GetUtcNow();
        var answer = talk.ReplyAsync();
        while (!answer.IsCompleted)
        {
            await Task.Delay(1);
            clock.Advance(TimeSpan.FromSeconds(drip is null ? 10 : 1));
            try
            {
                if (drip is not null) await drip(talk);
            }
            catch (IOException) { } // the server cut the reading side
        }
        return (await answer, clock.GetUtcNow() - before);
    }

    [Fact]
    public async Task A_client_that_never_greets()
    {
        var clock = new FakeTimeProvider();
        var (said, after) = await WaitAsync(new SmtpRig { Time = clock }, clock, _ => Task.CompletedTask);
        said.ShouldStartWith("421 4.4.2");
        after.ShouldBeInRange(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(130));
    }

    [Fact]
    public async Task A_client_that_falls_silent()
    {
        var clock = new FakeTimeProvider();
        var (said, after) = await WaitAsync(new SmtpRig { Time = clock }, clock, async t => await t.AskAsync("EHLO a.example"));
        said.ShouldStartWith("421 4.4.2");
        after.ShouldBeInRange(TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(400));
    }

    [Fact]
    public async Task Slow_clients_drip_of_DATA()
    {
        var clock = new FakeTimeProvider();
        var rig = new SmtpRig { Time = clock };
        var (said, after) = await WaitAsync(rig, clock, async t =>
        {
            await t.AskAsync("EHLO a.example");
            await t.AskAsync("MAIL FROM:<>");
            await t.AskAsync("RCPT TO:<b@foo.com>");
            await t.AskAsync("DATA");
        }, t => t.SendAsync("drip\r\n"));
        said.ShouldStartWith("421 4.4.2");
        after.ShouldBeGreaterThan(TimeSpan.FromSeconds(55));
        rig.Backend.Messages.ShouldBeEmpty();
        rig.Backend.Open.ShouldBe(0);
    }

    [Fact]
    public async Task The_whole_session_of_a_stranger()
    {
        var clock = new FakeTimeProvider();
        var rig = new SmtpRig { Time = clock, Options = new() { Hostname = "foo.com", MaxJunkCommands = int.MaxValue } };
        using var watch = new DeadlineWatch(clock);
        await using var talk = rig.Talk(watch);
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        var before = clock.GetUtcNow();
        try
        {
            while ((await talk.AskAsync("NOOP")).StartsWith("250")) clock.Advance(TimeSpan.FromSeconds(100));
        }
        catch (IOException) { } // the server cut the reading side before we spoke
        (clock.GetUtcNow() - before).ShouldBeInRange(TimeSpan.FromMinutes(29), TimeSpan.FromMinutes(35));
    }

    [Fact]
    public async Task Draining_ends_a_session_between_commands()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await Task.Delay(20);
        talk.Transport.Server.Drain(evenInTransfer: false);
        (await talk.ReplyAsync()).ShouldStartWith("421 4.3.2");
        (await talk.LineAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Draining_lets_a_transfer_end()
    {
        var rig = new SmtpRig();
        await using var talk = rig.Talk();
        await talk.ReplyAsync();
        await talk.AskAsync("EHLO a.example");
        await talk.AskAsync("MAIL FROM:<>");
        await talk.AskAsync("RCPT TO:<b@foo.com>");
        await talk.AskAsync("DATA");
        talk.Transport.Server.Drain(evenInTransfer: false);
        (await talk.AskAsync("text\r\n.")).ShouldStartWith("250");
        (await talk.ReplyAsync()).ShouldStartWith("421 4.3.2");
        rig.Backend.Messages.Count.ShouldBe(1);
    }
}
