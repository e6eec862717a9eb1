using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Testing.Transcripts;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>Time, cancellation, and servers that mean no good.</summary>
public class ClientSessionTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly SmtpClientSettings InClear = ClientTranscript.Settings(_ => false);

    static SmtpOutgoing Letter(params string[] words) => ClientTranscript.Outgoing(["from=a@example.org", "to=b@example.test", .. words]);

    static async Task<SmtpClientSession> OpenAsync(MemoryTransport t, LineReader reader, string offers = "250 mx\r\n")
    {
        var opening = SmtpClientSession.OpenAsync(t.Server, InClear, CancellationToken.None).AsTask();
        await t.SendAsync(Encoding.ASCII.GetBytes("220 mx\r\n" + offers));
        (await reader.NextAsync()).ShouldBe("EHLO client.example.test");
        return (await opening.WaitAsync(Patience)).Session.ShouldNotBeNull();
    }

    static async Task UntilAsync(LineReader reader, string command)
    {
        while (await reader.NextAsync() is { } line)
            if (line.StartsWith(command, StringComparison.Ordinal)) return;
        throw new InvalidOperationException("the client never said " + command);
    }

    /// <summary>RFC 5321 §4.5.3.2: every stage has its time, and a peer that stays silent or drips costs no more than that.</summary>
    [Theory]
    [InlineData(SmtpStage.Greeting, 300, "", "", false)]
    [InlineData(SmtpStage.Greeting, 300, "", "", true)]
    [InlineData(SmtpStage.Hello, 300, "220 mx\r\n", "EHLO", false)]
    [InlineData(SmtpStage.Mail, 300, "220 mx\r\n250 mx\r\n", "MAIL", true)]
    [InlineData(SmtpStage.Rcpt, 300, "220 mx\r\n250 mx\r\n250 ok\r\n", "RCPT", false)]
    [InlineData(SmtpStage.Data, 120, "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n", "DATA", true)]
    [InlineData(SmtpStage.FinalDot, 600, "220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n", ".", true)]
    public async Task Silence_ends_at_its_time(SmtpStage stage, int seconds, string replies, string after, bool drip)
    {
        var time = new FakeTimeProvider();
        using var watch = new DeadlineWatch(time);
        await using var t = new MemoryTransport(time, watch);
        var reader = new LineReader(t.Client);
        await t.SendAsync(Encoding.ASCII.GetBytes(replies));
        var running = Task.Run(() => SendAsync(t.Server));
        if (after.Length > 0) await UntilAsync(reader, after);
        var began = time.GetUtcNow();
        for (var tries = 0; !running.IsCompleted && tries < 20_000; tries++)
        {
            if (drip) await t.SendAsync("2"u8.ToArray()[..(tries % 500 == 0 ? 1 : 0)]);
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }
        var (failure, outcome) = await running.WaitAsync(Patience);
        failure.Stage.ShouldBe(stage);
        failure.Kind.ShouldBe(SmtpFailureKind.Timeout);
        failure.Text.ShouldContain($"within {seconds} s");
        (time.GetUtcNow() - began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(seconds));
        if (outcome is null) return;
        outcome.MayHaveTaken.ShouldBe(stage == SmtpStage.FinalDot);
        outcome.Reusable.ShouldBeFalse();
    }

    static async Task<(SmtpFailure Failure, SmtpOutcome? Outcome)> SendAsync(Connection connection)
    {
        var (session, failure) = await SmtpClientSession.OpenAsync(connection, InClear, CancellationToken.None);
        if (failure is not null) return (failure, null);
        var outcome = await session!.SendAsync(Letter(), CancellationToken.None);
        return (outcome.Recipients[0].Failure!, outcome);
    }

    /// <summary>A server that reads nothing of the text: the block has its time (RFC 5321 §4.5.3.2.5).</summary>
    [Fact]
    public async Task A_server_that_takes_no_text_is_left()
    {
        var time = new FakeTimeProvider();
        using var watch = new DeadlineWatch(time);
        await using var pair = await SocketPair.ConnectAsync(time);
        watch.Add(pair.Near);
        await pair.Far.WriteAsync("220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"u8.ToArray());
        var (session, _) = await SmtpClientSession.OpenAsync(pair.Near, InClear, CancellationToken.None);
        var dots = 0;
        var sending = session!.SendAsync(Letter() with { Content = Much(64 << 20), DotSent = () => dots++ }, CancellationToken.None).AsTask();
        for (var tries = 0; !sending.IsCompleted && tries < 20_000; tries++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }
        var outcome = await sending.WaitAsync(Patience);
        outcome.Recipients[0].Failure!.Kind.ShouldBe(SmtpFailureKind.Timeout);
        outcome.Recipients[0].Stage.ShouldBe(SmtpStage.Text);
        outcome.MayHaveTaken.ShouldBeFalse();
        dots.ShouldBe(0);
    }

    static ClientTranscript.Content Much(int octets) => new(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('x', 62) + "\r\n", octets / 64)))) { Piece = 100_000 };

    /// <summary>A server that refuses in the middle of the text and closes has said why.</summary>
    [Fact]
    public async Task What_was_said_before_a_close_in_the_text_is_heard()
    {
        await using var pair = await SocketPair.ConnectAsync();
        await pair.Far.WriteAsync("220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"u8.ToArray());
        var (session, _) = await SmtpClientSession.OpenAsync(pair.Near, InClear, CancellationToken.None);
        var sending = session!.SendAsync(Letter() with { Content = Much(64 << 20) }, CancellationToken.None).AsTask();
        var buffer = new byte[100_000];
        await pair.Far.ReadExactlyAsync(buffer);
        await pair.Far.WriteAsync("552 5.3.4 enough of this\r\n"u8.ToArray());
        pair.Far.Close();
        var outcome = await sending.WaitAsync(Patience);
        outcome.Recipients[0].Reply!.Code.ShouldBe(552);
        outcome.Recipients[0].Stage.ShouldBe(SmtpStage.Text);
        outcome.MayHaveTaken.ShouldBeFalse();
        outcome.Reusable.ShouldBeFalse();
    }

    [Fact]
    public async Task Cancelled_while_opening()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        using var cancel = new CancellationTokenSource();
        var opening = SmtpClientSession.OpenAsync(t.Server, InClear, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => opening.WaitAsync(Patience));
        (await new LineReader(t.Client).NextAsync()).ShouldBeNull();
    }

    [Theory]
    [InlineData("MAIL", "")]
    [InlineData("RCPT", "250 ok\r\n")]
    [InlineData("DATA", "250 ok\r\n250 ok\r\n")]
    public async Task Cancelled_before_the_dot_is_broken_off(string command, string replies)
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader);
        using var cancel = new CancellationTokenSource();
        await t.SendAsync(Encoding.ASCII.GetBytes(replies));
        var dots = 0;
        var sending = session.SendAsync(Letter() with { DotSent = () => dots++ }, cancel.Token).AsTask();
        await UntilAsync(reader, command);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => sending.WaitAsync(Patience));
        (await reader.NextAsync()).ShouldBeNull();
        dots.ShouldBe(0);
        session.IsAlive().ShouldBeFalse();
        await session.DisposeAsync();
    }

    /// <summary>The worst moment: all text is out, the dot is not.</summary>
    [Fact]
    public async Task Cancelled_in_the_text_sends_no_dot()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader);
        using var cancel = new CancellationTokenSource();
        await t.SendAsync("250 ok\r\n250 ok\r\n354 go\r\n"u8.ToArray());
        var dots = 0;
        var content = new Cancelling("a\r\n"u8.ToArray(), cancel);
        await Should.ThrowAsync<OperationCanceledException>(() => session.SendAsync(Letter() with { Content = content, DotSent = () => dots++ }, cancel.Token).AsTask().WaitAsync(Patience));
        dots.ShouldBe(0);
        await UntilAsync(reader, "DATA");
        (await reader.NextAsync()).ShouldBeNull();
    }

    sealed class Cancelling(ReadOnlyMemory<byte> octets, CancellationTokenSource cancel) : ISmtpContent
    {
        public long Length => octets.Length;

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct)
        {
            cancel.Cancel();
            return new(octets[(int)offset..]);
        }
    }

    [Theory]
    [InlineData("250 2.0.0 taken", true)]
    [InlineData("554 5.7.1 no", false)]
    public async Task Cancelled_after_the_dot_waits_for_the_answer(string answer, bool accepted)
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader);
        using var cancel = new CancellationTokenSource();
        await t.SendAsync("250 ok\r\n250 ok\r\n354 go\r\n"u8.ToArray());
        var dots = 0;
        var sending = session.SendAsync(Letter() with { DotSent = () => dots++ }, cancel.Token).AsTask();
        await UntilAsync(reader, ".");
        await cancel.CancelAsync();
        sending.IsCompleted.ShouldBeFalse();
        await t.SendAsync(Encoding.ASCII.GetBytes(answer + "\r\n"));
        var outcome = await sending.WaitAsync(Patience);
        outcome.Recipients[0].Accepted.ShouldBe(accepted);
        outcome.Recipients[0].Reply.ShouldNotBeNull();
        dots.ShouldBe(1);
    }

    /// <summary>A fault of the content is the caller's to see, and no piece of the message passes for the whole.</summary>
    [Fact]
    public async Task A_fault_of_the_content_breaks_it_off()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader);
        await t.SendAsync("250 ok\r\n250 ok\r\n354 go\r\n"u8.ToArray());
        await Should.ThrowAsync<InvalidDataException>(() => session.SendAsync(Letter() with { Content = new Faulty() }, CancellationToken.None).AsTask().WaitAsync(Patience));
        await UntilAsync(reader, "DATA");
        (await reader.NextAsync()).ShouldBeNull();
        session.IsAlive().ShouldBeFalse();
    }

    sealed class Faulty : ISmtpContent
    {
        public long Length => 1000;

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct) =>
            offset == 0 ? new("a\r\n"u8.ToArray()) : throw new InvalidDataException("planted");
    }

    /// <summary>Threat table: no envelope makes a second line.</summary>
    [Theory]
    [InlineData("a\r\nRCPT TO:<x@y.test>", "example.org", null, null)]
    [InlineData("a", "example.org>\r\nRCPT TO:<x@y.test", null, null)]
    [InlineData("a", "example.org", "FULL\r\nRCPT TO:<x@y.test>", null)]
    [InlineData("a", "example.org", null, "NEVER\nRCPT TO:<x@y.test>")]
    [InlineData("a", "example.org", null, "NEVER\0")]
    public async Task CRLF_in_envelope_makes_no_second_line(string local, string domain, string? ret, string? notify)
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader, "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n");
        var letter = Letter() with { ReversePath = new EmailAddress(local, domain), Return = ret };
        letter = letter with { Recipients = [letter.Recipients[0] with { Notify = notify }] };
        await Should.ThrowAsync<ArgumentException>(() => session.SendAsync(letter, CancellationToken.None).AsTask().WaitAsync(Patience));
        (await reader.NextAsync()).ShouldBeNull();
        session.IsAlive().ShouldBeFalse();
    }

    [Fact]
    public async Task CRLF_in_envelope_ids_are_encoded()
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        var reader = new LineReader(t.Client);
        var session = await OpenAsync(t, reader, "250-mx\r\n250 DSN\r\n");
        var sending = session.SendAsync(Letter() with { EnvelopeId = "a\r\nb" }, CancellationToken.None).AsTask();
        (await reader.NextAsync()).ShouldBe("MAIL FROM:<a@example.org> ENVID=a+0D+0Ab");
        await t.SendAsync("550 no\r\n"u8.ToArray());
        await sending.WaitAsync(Patience);
    }

    /// <summary>More commands than buffers hold, and a server that answers each before it reads the next.</summary>
    [Fact]
    public async Task A_large_group_locks_nobody()
    {
        await using var pair = await SocketPair.ConnectAsync();
        var server = Task.Run(async () =>
        {
            await pair.Far.WriteAsync("220 mx\r\n"u8.ToArray());
            using var lines = new StreamReader(pair.Far, Encoding.ASCII, false, 256, leaveOpen: true);
            var text = false;
            while (await lines.ReadLineAsync() is { } line)
            {
                if (text && line != ".") continue;
                var reply = line.StartsWith("EHLO", StringComparison.Ordinal) ? "250-mx\r\n250 PIPELINING\r\n"
                    : line == "DATA" ? "354 go\r\n" : "250 " + new string('y', 900) + "\r\n";
                text = line == "DATA";
                await pair.Far.WriteAsync(Encoding.ASCII.GetBytes(reply));
            }
        });
        var (session, _) = await SmtpClientSession.OpenAsync(pair.Near, InClear, CancellationToken.None);
        var letter = Letter() with { Recipients = [.. Enumerable.Range(0, 4000).Select(i => new SmtpForward(new EmailAddress("user" + i, "example.test"), null, null))] };
        var outcome = await session!.SendAsync(letter, CancellationToken.None).AsTask().WaitAsync(Patience);
        outcome.Recipients.Count.ShouldBe(4000);
        outcome.Recipients.ShouldAllBe(r => r.Accepted);
        await session.DisposeAsync();
        await server.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_the_peer_left_is_not_alive(bool speaks)
    {
        await using var pair = await SocketPair.ConnectAsync();
        await pair.Far.WriteAsync("220 mx\r\n250 mx\r\n"u8.ToArray());
        var (session, _) = await SmtpClientSession.OpenAsync(pair.Near, InClear, CancellationToken.None);
        session!.IsAlive().ShouldBeTrue();
        if (speaks) await pair.Far.WriteAsync("421 4.4.2 idle too long\r\n"u8.ToArray());
        else pair.Far.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        for (var tries = 0; session.IsAlive() && tries < 3000; tries++) await Task.Delay(10);
        session.IsAlive().ShouldBeFalse();
        pair.Far.Close();
        await session.DisposeAsync();
    }

    [Theory]
    [InlineData(100, 0)]
    [InlineData(101, 3)]
    public async Task Replies_have_a_size(int lines, int kind)
    {
        var greeting = string.Concat(Enumerable.Repeat("220-" + new string('x', 100) + "\r\n", lines - 1)) + "220 end\r\n";
        (await OpenedByAsync(greeting + "250 mx\r\n")).ShouldBe(kind == 0 ? null : SmtpFailureKind.Garbage);
    }

    [Theory]
    [InlineData(2000, true)]
    [InlineData(8100, true)] // cut, not refused
    [InlineData(8300, false)]
    [InlineData(9_000_000, false)]
    public async Task Lines_of_replies_have_a_size(int octets, bool taken) =>
        (await OpenedByAsync("220 " + new string('x', octets) + "\r\n250 mx\r\n")).ShouldBe(taken ? null : SmtpFailureKind.Garbage);

    static async Task<SmtpFailureKind?> OpenedByAsync(string said)
    {
        await using var t = new MemoryTransport(TimeProvider.System);
        await t.SendAsync(Encoding.Latin1.GetBytes(said));
        t.FinishSending();
        var (session, failure) = await SmtpClientSession.OpenAsync(t.Server, InClear, CancellationToken.None).AsTask().WaitAsync(Patience);
        session?.Peer.Greeting.Length.ShouldBeLessThanOrEqualTo(2048);
        return failure?.Kind;
    }

    static readonly string[] Words =
    [
        "220 mx\r\n", "250 mx\r\n", "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n", "250-mx\r\n250-CHUNKING\r\n250 SIZE 99\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n",
        "354 go\r\n", "354 go\r\n", "421 bye\r\n", "450 4.2.0 later\r\n", "550 5.1.1 no\r\n", "552 full\r\n", "250", "250-\r\n", "\r\n", "\n", "\0", "999 x\r\n", "334 abc\r\n", "25\r\n", "250x\r\n",
        new string('2', 9000),
    ];

    /// <summary>Whatever a server says: the session comes to an end with a result for everybody, and throws nothing.</summary>
    [Fact]
    public void Random_replies_come_to_an_end() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500), Prop.ForAll(
        ArbMap.Default.ArbFor<(byte[] Choices, byte Chunk, bool Lmtp, bool Greeted)>(), c =>
        {
            var said = (c.Greeted ? "220 mx\r\n250-mx\r\n250 PIPELINING\r\n" : "") + string.Concat((c.Choices ?? []).Select(b => Words[b % Words.Length]));
            return RunRandomAsync(said, c.Chunk % 8, c.Lmtp).GetAwaiter().GetResult();
        }));

    static async Task<bool> RunRandomAsync(string said, int chunk, bool lmtp)
    {
        await using var t = new MemoryTransport(TimeProvider.System, chunk: chunk);
        await t.SendAsync(Encoding.Latin1.GetBytes(said));
        t.FinishSending();
        var (session, failure) = await SmtpClientSession.OpenAsync(t.Server, InClear with { Lmtp = lmtp }, CancellationToken.None).AsTask().WaitAsync(Patience);
        if (session is null) return failure is not null;
        for (var round = 0; round < 3; round++)
        {
            var dots = 0;
            var outcome = await session.SendAsync(Letter("to=c@example.test") with { DotSent = () => dots++ }, CancellationToken.None).AsTask().WaitAsync(Patience);
            foreach (var r in outcome.Recipients)
            {
                if (r is null || r.Reply is null == r.Failure is null) return false;
                if (r.Accepted && (r.Stage != SmtpStage.FinalDot || r.Reply is not { Code: >= 200 and < 300 } || dots != 1)) return false;
            }
            if (dots > 1 || outcome.MayHaveTaken && (dots != 1 || outcome.Reusable)) return false;
            if (!outcome.Reusable) break;
        }
        await session.DisposeAsync().AsTask().WaitAsync(Patience);
        return true;
    }
}
