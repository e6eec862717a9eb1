using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Grammar;
using Posthorn.Storage.Messages;
using Posthorn.Tests.Testing.Imap;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Testing.Transport;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class ResponseWriterTests
{
    static async Task<string> Written(Action<ResponseWriter> write, bool utf8 = false)
    {
        await using var transport = new MemoryTransport(new FakeTimeProvider());
        write(new ResponseWriter(transport.Server) { Utf8 = utf8 });
        transport.Server.Write("."u8);
        await transport.Server.FlushAsync();
        var octets = new byte[100_000];
        var n = 0;
        do n += await transport.Client.ReadAsync(octets.AsMemory(n), TestContext.Current.CancellationToken);
        while (n < transport.Server.BytesOut);
        return Encoding.UTF8.GetString(octets, 0, n - 1);
    }

    [Theory]
    [InlineData("abc", false, "\"abc\"")]
    [InlineData("", false, "\"\"")]
    [InlineData("a\"b\\c", false, "\"a\\\"b\\\\c\"")]
    [InlineData("a\tb", false, "\"a\tb\"")]
    [InlineData("é", false, "{2}\r\né")]
    [InlineData("é", true, "\"é\"")]
    [InlineData("a\r\n* BYE", false, "{8}\r\na\r\n* BYE")]
    [InlineData("a\0b", true, "{3}\r\na?b")]
    [InlineData("\u001b[", true, "{2}\r\n\u001b[")]
    public async Task Strings(string text, bool utf8, string written) => (await Written(w => w.String(text), utf8)).ShouldBe(written);

    [Fact]
    public async Task Long_strings_are_literals() => (await Written(w => w.String(new string('x', 1001)))).ShouldStartWith("{1001}\r\n");

    [Theory]
    [InlineData("INBOX", false, "\"INBOX\"")]
    [InlineData("Entwürfe", false, "\"Entw&APw-rfe\"")]
    [InlineData("Entwürfe", true, "\"Entwürfe\"")]
    [InlineData("a&b", false, "\"a&-b\"")]
    public async Task Mailboxes(string name, bool utf8, string written) => (await Written(w => w.Mailbox(name), utf8)).ShouldBe(written);

    [Fact]
    public async Task Other_things()
    {
        (await Written(w => w.Flags(MessageFlags.Seen | MessageFlags.Forwarded, ["k1", "not an atom", "]", "k2"], recent: true))).ShouldBe("(\\Seen $Forwarded \\Recent k1 k2)");
        (await Written(w => w.Flags(MessageFlags.None))).ShouldBe("()");
        (await Written(w => w.Time(new DateTimeOffset(1996, 7, 7, 2, 44, 25, TimeSpan.FromMinutes(-450))))).ShouldBe("\" 7-Jul-1996 02:44:25 -0730\"");
        (await Written(w => w.Set(new SequenceSet([new(1, 5), new(7, 7), new(9, 0)])))).ShouldBe("1:5,7,9:*");
        (await Written(w => { w.NString(null); w.SP(); w.Number(long.MaxValue); w.SP(); w.LiteralMark(3, binary: true); })).ShouldBe("NIL 9223372036854775807 ~{3}\r\n");
    }

    [Fact]
    public async Task Nobody_ends_a_line()
    {
        (await Written(w => w.Status("a1"u8, "NO"u8, "TRYCREATE"u8, "no\r\n* BYE\0 é"))).ShouldBe("a1 NO [TRYCREATE] no  * BYE  ?\r\n");
        (await Written(w => w.Status("*"u8, "OK"u8, default, "é"), utf8: true)).ShouldBe("* OK é\r\n");
        Should.Throw<ArgumentException>(() => Written(w => w.Status("a\r\nb"u8, "OK"u8, default, "")).GetAwaiter().GetResult());
    }

    [Fact]
    public void Whatever_is_written_is_read_back_the_same()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), s =>
        {
            var clean = s.Get.Replace('\0', '?');
            var octets = Encoding.UTF8.GetBytes(clean);
            var written = Written(w => w.String(s.Get)).GetAwaiter().GetResult();
            Encoding.Latin1.GetBytes(ImapValue.Parse(Encoding.UTF8.GetBytes(written)).Text!).ShouldBe(octets);
        }));
    }

    [Fact]
    public void Times_come_back()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Arb.From(Gen.Zip(Gen.Choose(0, int.MaxValue), Gen.Choose(-840, 840))), t =>
        {
            var time = DateTimeOffset.FromUnixTimeSeconds(t.Item1).ToOffset(TimeSpan.FromMinutes(t.Item2));
            Span<byte> octets = stackalloc byte[28];
            octets[0] = octets[27] = (byte)'"';
            ImapDate.Write(time, octets[1..27]);
            var r = new ImapReader(octets, ImapLimits.User);
            ImapDate.Time(ref r).ShouldBe(time);
        }));
    }
}
