using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Testing.Transport;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class CommandReaderTests
{
    static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Reads all commands of an input, whole or in chunks; a streamed literal is shown as &lt;octets&gt;.</summary>
    static async Task<string> Read(string input, int chunk, ImapLimits limits)
    {
        var time = new FakeTimeProvider();
        await using var transport = new MemoryTransport(time, chunk: chunk);
        await transport.SendAsync(Encoding.Latin1.GetBytes(input));
        transport.FinishSending();
        using var reader = new CommandReader(transport.Server, time) { Limits = limits };
        var story = new StringBuilder();
        var continued = false;
        while (true)
        {
            var frame = continued ? await reader.ContinueAsync(Minute) : await reader.ReadAsync(Minute);
            continued = false;
            var text = Encoding.Latin1.GetString(frame.Text.Span);
            switch (frame.Status)
            {
                case FrameStatus.Command:
                    story.Append(text).Append('|');
                    break;
                case FrameStatus.Literal:
                    story.Append(text).Append('<');
                    (await reader.StreamAsync(frame.Literal, o => { story.Append(Encoding.Latin1.GetString(o.Span)); return default; }, Minute)).ShouldBe(FrameStatus.Command);
                    story.Append('>');
                    continued = true;
                    break;
                case FrameStatus.Closed:
                    return story.ToString();
                case FrameStatus.TooLong or FrameStatus.LiteralTooBig:
                    story.Append(frame.Status).Append(':').Append(text[..Math.Min(text.Length, 20)]).Append('|');
                    break;
                default:
                    return story.Append(frame.Status).ToString();
            }
        }
    }

    static async Task Reads(string input, string expected, ImapLimits? limits = null)
    {
        foreach (var chunk in (int[])[0, 1, 2, 7]) (await Read(input, chunk, limits ?? ImapLimits.User)).ShouldBe(expected, $"chunks of {chunk}");
    }

    [Theory]
    [InlineData("a NOOP\r\nb LOGOUT\r\n", "a NOOP|b LOGOUT|")]
    [InlineData("a\rb\nc\r\n", "a\rb\nc|")]
    [InlineData("\r\n\r\n", "||")]
    [InlineData("a LOGIN {4}\r\nfred {3}\r\nabc\r\nb NOOP\r\n", "a LOGIN {4}\r\nfred {3}\r\nabc|b NOOP|")]
    [InlineData("a LOGIN {4+}\r\nfred {0+}\r\n\r\n", "a LOGIN {4+}\r\nfred {0+}\r\n|")]
    [InlineData("a X {6}\r\na\r\n\"{9\r\n", "a X {6}\r\na\r\n\"{9|")]
    [InlineData("a X \"{5}\r\nb NOOP\r\n", "a X \"{5}|b NOOP|")]
    [InlineData("a X \"\\\"\" {1}\r\nx\r\n", "a X \"\\\"\" {1}\r\nx|")]
    [InlineData("a X {}\r\na X {x}\r\na X {1\r\na X 1}\r\n", "a X {}|a X {x}|a X {1|a X 1}|")]
    [InlineData("a NOOP", "")]
    public async Task Lines_and_literals(string input, string expected) => await Reads(input, expected);

    [Theory]
    [InlineData("a APPEND box (\\Seen) {5}\r\nhello\r\nb NOOP\r\n", "a APPEND box (\\Seen) <hello>|b NOOP|")]
    [InlineData("a APPEND {3}\r\nbox {5}\r\nhello\r\n", "a APPEND {3}\r\nbox <hello>|")]
    [InlineData("a append \"a \\\" b\" ~{5+}\r\nhe\0lo\r\n", "a append \"a \\\" b\" <he\0lo>|")]
    [InlineData("a APPEND box {2}\r\nm1 (\\Flagged) {2}\r\nm2 {0}\r\n\r\n", "a APPEND box <m1> (\\Flagged) <m2> <>|")]
    [InlineData("a APPEND box CATENATE (URL \"/x\" TEXT {2}\r\nt1 URL {3}\r\n/yz TEXT {2}\r\nt2)\r\n", "a APPEND box CATENATE (URL \"/x\" TEXT <t1> URL {3}\r\n/yz TEXT <t2>)|")]
    [InlineData("a APPEND box CATENATE (URL {2}\r\n/x)\r\n", "a APPEND box CATENATE (URL {2}\r\n/x)|")]
    [InlineData("a APPEND box UTF8 (~{2}\r\nxy)\r\n", "a APPEND box UTF8 (<xy>)|")]
    [InlineData("a UID REPLACE 4 box {2}\r\nxy\r\n", "a UID REPLACE 4 box <xy>|")]
    [InlineData("a REPLACE 4 {3}\r\nbox {2}\r\nxy\r\n", "a REPLACE 4 {3}\r\nbox <xy>|")]
    [InlineData("a SEARCH SUBJECT {2}\r\nxy\r\n", "a SEARCH SUBJECT {2}\r\nxy|")]
    public async Task Messages_are_streamed(string input, string expected) => await Reads(input, expected);

    static string X(int n) => new('x', n);

    [Fact]
    public async Task A_stranger_has_small_limits()
    {
        var s = ImapLimits.Stranger;
        await Reads($"a {X(8188)}\r\n", $"a {X(8188)}|", s);
        await Reads($"a {X(8191)}\r\nb NOOP\r\n", $"TooLong:a {X(18)}|b NOOP|", s);
        await Reads($"a {X(100_000)}\r\nb NOOP\r\n", $"TooLong:a {X(18)}|b NOOP|", s);
        await Reads("a LOGIN {4097}\r\nb NOOP\r\n", "LiteralTooBig:a LOGIN |b NOOP|", s);
        await Reads("a LOGIN {4097+}\r\nb NOOP\r\n", "Flooded", s);
        await Reads("a LOGIN {99999999999999999999999999}\r\nb NOOP\r\n", "LiteralTooBig:a LOGIN |b NOOP|", s);
        var four = $"{{4096}}\r\n{X(4096)} ";
        await Reads($"a X {four}{four}{four}{four}\r\n", $"a X {four}{four}{four}{four}|", s);
        await Reads($"a X {four}{four}{four}{four}{{1}}\r\nb NOOP\r\n", $"LiteralTooBig:{$"a X {four}"[..20]}|b NOOP|", s);
        // Lines of one command count together.
        await Reads($"a X {X(8000)}{{1}}\r\n1{X(300)}\r\nb NOOP\r\n", $"TooLong:a X {X(16)}|b NOOP|", s);
    }

    [Fact]
    public async Task An_id_before_login_may_be_longer()
    {
        var pair = $"\"{X(10)}\" \"{X(1024)}\" ";
        var id = "a ID (" + string.Concat(Enumerable.Repeat(pair, 30)).TrimEnd() + ")";
        await Reads(id + "\r\n", id + "|", ImapLimits.Stranger);
        await Reads("a id (" + X(60_000) + "\r\nb NOOP\r\n", "TooLong:a id (" + X(14) + "|b NOOP|", ImapLimits.Stranger);
    }

    [Fact]
    public async Task A_user_has_larger_ones()
    {
        await Reads($"a {X(65_532)}\r\n", $"a {X(65_532)}|");
        await Reads($"a {X(65_535)}\r\nb NOOP\r\n", $"TooLong:a {X(18)}|b NOOP|");
        await Reads("a X {4097+}\r\n", "Flooded");
        await Reads("a APPEND box {4097+}\r\n", "Flooded");
        await Reads("a APPEND box {5000}\r\n" + X(5000) + "\r\n", $"a APPEND box <{X(5000)}>|");
    }

    [Fact]
    public async Task A_literal_unasked_behind_a_line_too_long_is_the_end() =>
        (await Read($"a {X(70_000)} {{5+}}\r\nhello\r\n", 0, ImapLimits.User)).ShouldBe("Flooded");

    [Theory]
    [InlineData("a APPEND box {5}\r\nb NOOP\r\n", "b NOOP", "")]
    [InlineData("a APPEND box {5+}\r\nhello\r\nb NOOP\r\n", "b NOOP", "")]
    [InlineData("a APPEND box {5+}\r\nhello (\\Seen) {3+}\r\nxyz\r\nb NOOP\r\n", "b NOOP", "")]
    [InlineData("a APPEND box {5+}\r\nhello {3}\r\nb NOOP\r\n", "b NOOP", "")]
    public async Task A_refused_message_leaves_the_client_in_step(string input, string next, string answer)
    {
        var time = new FakeTimeProvider();
        await using var transport = new MemoryTransport(time, chunk: 3);
        await transport.SendAsync(Encoding.ASCII.GetBytes(input));
        using var reader = new CommandReader(transport.Server, time) { Limits = ImapLimits.User };
        var frame = await reader.ReadAsync(Minute);
        frame.Status.ShouldBe(FrameStatus.Literal);
        (await reader.RefuseAsync(frame.Literal, Minute)).ShouldBe(FrameStatus.Command);
        Encoding.ASCII.GetString((await reader.ReadAsync(Minute)).Text.Span).ShouldBe(next);
        await transport.Server.FlushAsync();
        answer.ShouldBe("");
    }

    [Fact]
    public async Task The_client_is_asked_for_a_literal_and_only_then()
    {
        var time = new FakeTimeProvider();
        await using var transport = new MemoryTransport(time);
        await transport.SendAsync("a LOGIN {1}\r\n"u8.ToArray());
        using var reader = new CommandReader(transport.Server, time);
        var reading = reader.ReadAsync(Minute).AsTask();
        var asked = new byte[6];
        await transport.Client.ReadExactlyAsync(asked, TestContext.Current.CancellationToken);
        Encoding.ASCII.GetString(asked).ShouldBe("+ OK\r\n");
        reading.IsCompleted.ShouldBeFalse();
        await transport.SendAsync("x {1+}\r\ny\r\n"u8.ToArray());
        Encoding.ASCII.GetString((await reading).Text.Span).ShouldBe("a LOGIN {1}\r\nx {1+}\r\ny");
        transport.Server.Write("."u8);
        await transport.Server.FlushAsync();
        await transport.Client.ReadExactlyAsync(asked.AsMemory(0, 1), TestContext.Current.CancellationToken);
        asked[0].ShouldBe((byte)'.');
    }

    [Fact]
    public async Task A_deadline_that_has_passed_is_the_end_however_octets_drip()
    {
        var time = new FakeTimeProvider();
        await using var transport = new MemoryTransport(time, chunk: 1);
        using var reader = new CommandReader(transport.Server, time);
        await transport.SendAsync("a NOOP"u8.ToArray());
        (await reader.ReadAsync(TimeSpan.Zero)).Status.ShouldBe(FrameStatus.TimedOut);
    }
}
