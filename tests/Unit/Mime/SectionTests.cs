using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Sections;
using Posthorn.Mime.Structure;
using Posthorn.Tests.Testing.Imap;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class SectionTests
{
    const string Prefix = "Return-Path: <s@x>\r\nReceived: here\r\n";

    /// <summary>The message of RFC 9051 §6.4.5.1.</summary>
    static readonly string Example = Multi("o", "H: top",
        "H: 1\r\nContent-Type: text/plain\r\n\r\nbody 1",
        "H: 2\r\nContent-Type: application/octet-stream\r\n\r\nbody 2",
        "H: 3\r\nContent-Type: message/rfc822\r\n\r\n" + Multi("i3", "H: in 3", "H: 3.1\r\n\r\nbody 3.1", "H: 3.2\r\nContent-Type: x/y\r\n\r\nbody 3.2"),
        Multi("i4", "H: 4",
            "H: 4.1\r\nContent-Type: image/gif\r\n\r\nbody 4.1",
            "H: 4.2\r\nContent-Type: message/rfc822\r\n\r\n" + Multi("i42", "H: in 4.2", "H: 4.2.1\r\n\r\nbody 4.2.1",
                Multi("i422", "H: 4.2.2", "H: 4.2.2.1\r\n\r\nbody 4.2.2.1", "H: 4.2.2.2\r\nContent-Type: text/richtext\r\n\r\nbody 4.2.2.2"))));

    static string Multi(string boundary, string header, params string[] parts) =>
        header + $"\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n" + string.Concat(parts.Select(p => $"--{boundary}\r\n{p}\r\n")) + $"--{boundary}--\r\n";

    static string? Get(string message, string path, SectionText what = SectionText.Whole)
    {
        var root = PartTree.Read(Encoding.Latin1.GetBytes(message), Encoding.Latin1.GetBytes(Prefix));
        var numbers = path.Split('.', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse).ToArray();
        return SectionResolver.TryResolve(root, Prefix.Length, new Section(numbers, what), out var r) ? (Prefix + message).Substring((int)r.Start, (int)r.Length) : null;
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3.1")]
    [InlineData("3.2")]
    [InlineData("4.1")]
    [InlineData("4.2.1")]
    [InlineData("4.2.2.1")]
    [InlineData("4.2.2.2")]
    public void Leaves_of_the_example(string path)
    {
        Get(Example, path).ShouldBe("body " + path);
        Get(Example, path, SectionText.Mime).ShouldStartWith($"H: {path}\r\n");
        Get(Example, path, SectionText.Mime).ShouldEndWith("\r\n\r\n");
        Get(Example, path, SectionText.Header).ShouldBeNull();
        Get(Example, path, SectionText.Text).ShouldBeNull();
        Get(Example, path + ".1").ShouldBeNull();
    }

    [Theory]
    [InlineData("3", "H: 3", "H: in 3")]
    [InlineData("4.2", "H: 4.2", "H: in 4.2")]
    public void Messages_inside_the_example(string path, string mime, string header)
    {
        Get(Example, path, SectionText.Mime).ShouldStartWith(mime + "\r\n");
        Get(Example, path, SectionText.Header).ShouldStartWith(header + "\r\n");
        Get(Example, path).ShouldBe(Get(Example, path, SectionText.Header) + Get(Example, path, SectionText.Text));
        Get(Example, path, SectionText.Text).ShouldStartWith("--");
    }

    [Fact]
    public void The_message_itself_begins_with_the_prefix()
    {
        Get(Example, "").ShouldBe(Prefix + Example);
        Get(Example, "", SectionText.Header).ShouldStartWith(Prefix + "H: top\r\n");
        (Get(Example, "", SectionText.Header) + Get(Example, "", SectionText.Text)).ShouldBe(Prefix + Example);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("5")]
    [InlineData("4294967295")]
    [InlineData("3.3")]
    [InlineData("1.1")]
    [InlineData("4.2.2.2.1.1")]
    public void What_is_not_there(string path) => Get(Example, path).ShouldBeNull();

    [Fact]
    public void A_message_of_one_part_has_part_1()
    {
        Get("A: b\r\n\r\nbody", "1").ShouldBe("body");
        Get("A: b\r\n\r\nbody", "1", SectionText.Mime).ShouldBe(Prefix + "A: b\r\n\r\n");
        Get("A: b\r\n\r\nbody", "2").ShouldBeNull();
        Get("A: b\r\n\r\nbody", "1.1").ShouldBeNull();
    }

    [Fact]
    public void A_message_that_is_a_message()
    {
        const string Whole = "A: b\r\nContent-Type: message/rfc822\r\n\r\nC: d\r\n\r\nin";
        Get(Whole, "1").ShouldBe("C: d\r\n\r\nin");
        Get(Whole, "1", SectionText.Header).ShouldBe("C: d\r\n\r\n");
        Get(Whole, "1.1").ShouldBe("in");
        Get(Whole, "1.1", SectionText.Mime).ShouldBe("C: d\r\n\r\n");
    }

    [Fact]
    public void The_text_of_a_multipart_without_parts_is_empty()
    {
        Get("Content-Type: multipart/mixed; boundary=b\r\n\r\nx", "1").ShouldBe("");
        Get("Content-Type: multipart/mixed; boundary=b\r\n\r\nx", "2").ShouldBeNull();
        Get("Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nx", "1.1").ShouldBe("");
    }

    [Fact]
    public void Binary_says_how_to_decode()
    {
        var root = PartTree.Read("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--"u8);
        SectionResolver.TryResolveBinary(root, 0, [1], out var range, out var encoding).ShouldBeTrue();
        (range.Length, encoding).ShouldBe((4L, "base64"));
        SectionResolver.TryResolveBinary(root, 0, [], out range, out encoding).ShouldBeTrue();
        (range.Length, encoding).ShouldBe((root.End, "binary"));
        SectionResolver.TryResolveBinary(root, 0, [2], out _, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, 100, 10, 10)]
    [InlineData(4, 2, 14, 2)]
    [InlineData(10, 5, 20, 0)]
    [InlineData(4294967295, 5, 20, 0)]
    [InlineData(9, 9223372036854775807, 19, 1)]
    public void Partial(long offset, long count, long start, long length) => new OctetRange(10, 10).Slice(offset, count).ShouldBe(new OctetRange(start, length));

    /// <summary>Filters whole and cut in two at every place: all must agree.</summary>
    static string Filter(string header, bool not, params string[] names)
    {
        var octets = Encoding.Latin1.GetBytes(header);
        var whole = default(string);
        for (var cut = 0; cut <= octets.Length; cut++)
        {
            var into = new ArrayBufferWriter<byte>();
            var filter = new HeaderFieldsFilter(names, not);
            filter.Write(octets.AsSpan(0, cut), into);
            filter.Write(octets.AsSpan(cut), into);
            filter.End(into);
            var text = Encoding.Latin1.GetString(into.WrittenSpan);
            text.ShouldBe(whole ??= text);
        }
        return whole!;
    }

    [Theory]
    [InlineData("A: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\nbody", false, "b,c", "B: 2\r\n 3\r\nC: 4\r\n\r\n")]
    [InlineData("A: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\nbody", true, "B", "A: 1\r\nC: 4\r\n\r\n")]
    [InlineData("A: 1\r\nA : 2\r\nAA: 3\r\n\r\n", false, "a", "A: 1\r\nA : 2\r\n\r\n")]
    [InlineData("A: 1\r\nno colon\r\n\r\n", false, "x", "\r\n")]
    [InlineData("A: 1\r\nno colon\r\n\r\n", true, "x", "A: 1\r\nno colon\r\n\r\n")]
    [InlineData("A: 1\nB: 2\n\nC: 3\n", false, "b", "B: 2\n\n")]
    [InlineData("A: 1\r\n", false, "b", "")]
    [InlineData("A: no end", false, "a", "A: no end")]
    [InlineData("A", true, "b", "A")]
    [InlineData("\r\nA: 1\r\n", false, "a", "\r\n")]
    [InlineData(" folded\r\nA: 1\r\n\r\n", true, "b", "A: 1\r\n\r\n")]
    [InlineData("\rA: 1\r\n\r\n", true, "a", "\rA: 1\r\n\r\n")]
    [InlineData("", true, "a", "")]
    public void Header_fields(string header, bool not, string names, string expected) => Filter(header, not, names.Split(',')).ShouldBe(expected);

    [Fact]
    public void A_name_without_end_needs_no_memory()
    {
        var long_ = new string('n', 100_000) + "\r\n\r\n";
        var into = new ArrayBufferWriter<byte>();
        var filter = new HeaderFieldsFilter(["a"], not: true);
        filter.Write(Encoding.ASCII.GetBytes(long_), into);
        into.WrittenCount.ShouldBe(long_.Length);
    }

    [Fact]
    public void Fields_named_and_not_named_are_all_fields()
    {
        var line = Gen.Elements("A: 1\r\n", "B: 2\r\n", "B : 3\r\n", "C\r\n", " f\r\n", "\tg\n", "A:\r\n \r\n");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(12), Prop.ForAll(Arb.From(line.ListOf()), lines =>
        {
            var header = "A: first\r\n" + string.Concat(lines) + "\r\n";
            var (with, without) = (Filter(header, false, "b"), Filter(header, true, "b"));
            (with.Length + without.Length).ShouldBe(header.Length + 2);
        }));
    }

    [Fact]
    public void Every_section_of_odd_messages_lies_inside()
    {
        var random = new Random(77);
        for (var i = 0; i < 500; i++)
        {
            var message = OddMessages.Make(random);
            var root = PartTree.Read(message);
            for (var n = 0; n < 40; n++)
            {
                var path = Enumerable.Range(0, random.Next(5)).Select(_ => (uint)random.Next(4)).ToArray();
                var what = (SectionText)random.Next(6);
                if (!SectionResolver.TryResolve(root, 10, new Section(path, what), out var r)) continue;
                r.Start.ShouldBeGreaterThanOrEqualTo(path.Length == 0 || what == SectionText.Mime ? 0 : 10);
                r.Length.ShouldBeGreaterThanOrEqualTo(0);
                (r.Start + r.Length).ShouldBeLessThanOrEqualTo(10 + message.Length);
            }
        }
    }
}
