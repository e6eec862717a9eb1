using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class SessionTests
{
    [Fact]
    public async Task Tls_by_starttls_and_a_login_under_it()
    {
        await using var room = await MailRoom.OpenAsync();
        room.Listener = room.Listener with { PlaintextLogin = false };
        await using var client = await room.ConnectAsync("192.0.2.1");
        (await client.ListAsync("CAPABILITY")).ShouldHaveSingleItem().ShouldContain(" STARTTLS LOGINDISABLED ");
        (await client.AskAsync("LOGIN user pencil")).ShouldStartWith("NO [PRIVACYREQUIRED]");
        (await client.AskAsync("AUTHENTICATE PLAIN AHVzZXIAcGVuY2ls")).ShouldStartWith("NO [PRIVACYREQUIRED]");
        await client.StartTlsAsync();
        (await client.ListAsync("CAPABILITY")).ShouldHaveSingleItem().ShouldContain(" AUTH=SCRAM-SHA-256-PLUS ");
        (await client.AskAsync("STARTTLS")).ShouldStartWith("BAD");
        (await client.AskAsync("LOGIN user pencil")).ShouldStartWith("OK");
    }

    [Fact]
    public async Task Nothing_may_follow_starttls()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.ConnectAsync();
        await client.SendAsync("a STARTTLS\r\nb LOGIN user pencil\r\n");
        (await client.LineAsync()).ShouldStartWith("a BAD");
        (await client.LineAsync()).ShouldStartWith("* BYE");
        (await client.EndsAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Large_messages_come_unasked_after_login()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.LoginAsync();
        (await client.ListAsync("CAPABILITY")).ShouldHaveSingleItem().ShouldContain(" LITERAL+ ");
        var message = "Subject: a\r\n\r\n" + new string('x', 100_000) + "\r\n";
        // Two whole messages and commands behind them in one go; the second is refused, and its octets are no commands.
        await client.SendAsync($"a APPEND INBOX {{{message.Length}+}}\r\n{message} {{{message.Length}+}}\r\n{message}\r\n"
            + $"b APPEND nowhere {{{message.Length}+}}\r\n{message}\r\nc STATUS INBOX (MESSAGES SIZE)\r\n");
        (await client.AnswerAsync("a")).ShouldStartWith("OK [APPENDUID ");
        (await client.AnswerAsync("b")).ShouldStartWith("NO [TRYCREATE]");
        (await client.AnswerAsync("c")).ShouldStartWith("OK");
        client.Untagged.ShouldContain(l => l.Contains($"(MESSAGES 2 SIZE {2 * message.Length})", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Compressed_in_both_directions()
    {
        await using var room = await MailRoom.OpenAsync();
        await room.DeliverAsync("Subject: a\r\n\r\n" + string.Concat(Enumerable.Repeat("the same line\r\n", 5000)));
        await using var client = await room.LoginAsync();
        await client.CompressAsync();
        (await client.AskAsync("COMPRESS DEFLATE")).ShouldStartWith("NO [COMPRESSIONACTIVE]");
        (await client.AskAsync("UNAUTHENTICATE")).ShouldStartWith("NO [CANNOT]");
        var before = client.Server.BytesOut;
        (await client.ListAsync("FETCH 1 (BODY.PEEK[])"))[0].Length.ShouldBeGreaterThan(70_000);
        await client.SendAsync("i IDLE\r\n");
        (await client.LineAsync()).ShouldBe("+ idling");
        await room.DeliverAsync("Subject: b\r\n\r\nx\r\n");
        (await client.LineAsync()).ShouldBe("* 2 EXISTS");
        await client.SendAsync("DONE\r\n");
        (await client.AnswerAsync("i")).ShouldStartWith("OK");
        before.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_stranger_has_a_minute_and_a_user_half_an_hour()
    {
        var time = new FakeTimeProvider();
        await using var room = await MailRoom.OpenAsync(time);
        using var watch = new DeadlineWatch(time);
        await using (var stranger = await room.ConnectAsync(watch: watch))
        {
            await UntilWaitingAsync(time, stranger, TimeSpan.FromSeconds(62));
            (await stranger.LineAsync()).ShouldStartWith("* BYE autologout");
            (await stranger.EndsAsync()).ShouldBeTrue();
        }
        await using var user = await room.ConnectAsync(watch: watch);
        (await user.AskAsync("LOGIN user pencil")).ShouldStartWith("OK");
        await user.SendAsync("i IDLE\r\n");
        (await user.LineAsync()).ShouldBe("+ idling");
        await UntilWaitingAsync(time, user, TimeSpan.FromMinutes(31));
        (await user.LineAsync()).ShouldStartWith("* BYE autologout");
    }

    /// <summary>Lets time pass until the session has ended: it may not have begun to wait when the first step comes.</summary>
    static async Task UntilWaitingAsync(FakeTimeProvider time, ImapClient client, TimeSpan step)
    {
        while (!client.Session.IsCompleted)
        {
            time.Advance(step);
            await Task.Delay(5);
        }
    }

    [Fact]
    public async Task A_server_that_stops_says_goodbye_to_those_that_idle()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.LoginAsync();
        await client.SendAsync("i IDLE\r\n");
        (await client.LineAsync()).ShouldBe("+ idling");
        client.Server.Drain(evenInTransfer: false);
        (await client.LineAsync()).ShouldBe("* BYE [UNAVAILABLE] server shutting down");
        (await client.EndsAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_damaged_body_is_refused_and_the_rest_is_told()
    {
        await using var room = await MailRoom.OpenAsync();
        for (var i = 1; i <= 3; i++) await room.DeliverAsync($"Subject: {i}\r\n\r\nbody number {i}\r\n");
        var pack = Directory.EnumerateFiles(Path.Combine(room.Directory, "blobs"), "pack-*").First();
        var octets = await File.ReadAllBytesAsync(pack, TestContext.Current.CancellationToken);
        octets[octets.AsSpan().IndexOf("body number 2"u8)] ^= 1;
        await File.WriteAllBytesAsync(pack, octets, TestContext.Current.CancellationToken);
        await using var client = await room.LoginAsync();
        (await client.AskAsync("FETCH 1:3 (UID BODY.PEEK[TEXT])")).ShouldStartWith("NO [SERVERBUG]");
        client.Untagged.Count.ShouldBe(2);
        (await client.ListAsync("FETCH 1:3 (ENVELOPE)")).Count.ShouldBe(3);
    }

    [Fact]
    public async Task Bad_commands_come_to_an_end()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.LoginAsync();
        for (var i = 0; i < 50; i++) (await client.AskAsync("NONSENSE")).ShouldStartWith("BAD");
        (await client.LineAsync()).ShouldStartWith("* BYE too many bad commands");
    }

    [Fact]
    public async Task Appended_octets_come_back_as_they_were()
    {
        await using var room = await MailRoom.OpenAsync();
        await using var client = await room.LoginAsync();
        var random = new Random(7);
        foreach (var size in (int[])[1, 4095, 4096, 65_535, 200_000, 1_500_000])
        {
            var octets = new byte[size];
            random.NextBytes(octets);
            var message = System.Text.Encoding.Latin1.GetString(octets);
            (await client.AppendAsync("INBOX", message)).ShouldStartWith("OK [APPENDUID ");
            var shown = (await client.ListAsync("UID FETCH * (BODY.PEEK[] RFC822.SIZE)")).Single(r => r.Contains("BODY[]"));
            shown.ShouldContain($"BODY[] {{{size}}}\r\n{message} RFC822.SIZE {size})");
        }
    }
}
