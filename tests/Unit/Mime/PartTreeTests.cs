using System.Text;
using Posthorn.Mime.Structure;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class PartTreeTests
{
    /// <summary>Reads whole, in a stream of odd chunks, and through the codec: all must agree.</summary>
    internal static Part Read(byte[] octets)
    {
        var part = PartTree.Read(octets);
        var encoded = PartTree.Encode(part);
        PartTree.Encode(PartTree.Read(new MemoryStream(octets))).ShouldBe(encoded);
        PartTree.Encode(PartTree.Decode(encoded)).ShouldBe(encoded);
        Sound(part, 0, octets.Length, 1);
        part.End.ShouldBe(octets.Length);
        return part;
    }

    static Part Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    /// <summary>Ranges in order, strictly inside the parent, within the limits. Returns the number of parts.</summary>
    internal static int Sound(Part p, long from, long limit, int depth)
    {
        p.HeaderStart.ShouldBeGreaterThanOrEqualTo(from);
        p.BodyStart.ShouldBeGreaterThanOrEqualTo(p.HeaderStart);
        p.End.ShouldBeGreaterThanOrEqualTo(p.BodyStart);
        p.End.ShouldBeLessThanOrEqualTo(limit);
        depth.ShouldBeLessThanOrEqualTo(64);
        var count = 1;
        from = p.BodyStart;
        foreach (var child in p.Parts)
        {
            count += Sound(child, from, p.End, depth + 1);
            from = child.End;
        }
        count.ShouldBeLessThanOrEqualTo(1000);
        return count;
    }

    /// <summary>One line a part: indent, type, header and body as text.</summary>
    static string Draw(string text)
    {
        var octets = Encoding.UTF8.GetBytes(text);
        var b = new StringBuilder();
        Draw(Read(octets), 0);
        return b.ToString();

        void Draw(Part p, int depth)
        {
            var body = p.Parts.Count > 0 ? "" : " [" + Encoding.UTF8.GetString(octets[(int)p.BodyStart..(int)p.End]) + "]";
            b.Append(new string(' ', depth)).Append(p.Type).Append('/').Append(p.Subtype).Append(' ').Append(p.Lines).Append(body).Append('\n');
            foreach (var c in p.Parts) Draw(c, depth + 1);
        }
    }

    [Fact]
    public void A_plain_message()
    {
        var p = Read("Subject: x\r\nContent-Type: Text/HTML; Charset=\"utf-8\" (why); format=flowed\r\nContent-Transfer-Encoding: BASE64\r\n\r\none\r\ntwo\r\n");
        (p.Type, p.Subtype, p.Encoding, p.Lines).ShouldBe(("text", "html", "base64", 2L));
        p.Parameters.ShouldBe([new("charset", "utf-8"), new("format", "flowed")]);
        PartTree.Encode(p).Length.ShouldBeLessThan(151); // of which about 20 are the tree
    }

    [Theory]
    [InlineData("", "text/plain 0 []\n")]
    [InlineData("\r\nbody", "text/plain 1 [body]\n")]
    [InlineData("A: b\r\n", "text/plain 0 []\n")]
    [InlineData("Content-Type: nonsense\r\n\r\nx\r\n", "text/plain 1 [x\r\n]\n")]
    [InlineData("Content-Type: multipart/mixed\r\n\r\n--x\r\n", "multipart/mixed 1 [--x\r\n]\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\n1\r\n--b  \r\nContent-Type: text/html\r\n\r\n2\r\n\r\n--b--\r\nepi\r\n--b\r\n",
        "multipart/mixed 12\n text/plain 1 [1]\n text/html 1 [2\r\n]\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nno close\r\n", "multipart/mixed 3\n text/plain 1 [no close\r\n]\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\nA: b\r\n--b--", "multipart/mixed 6\n text/plain 0 []\n text/plain 0 []\n text/plain 0 []\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--bb\r\n--b\r\n\r\n--bx\r\n--b--x\r\n--b--\r\n", "multipart/mixed 6\n text/plain 2 [--bx\r\n--b--x]\n")]
    // the inner boundary begins with the outer one
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=bc\r\n\r\n--bc\r\n\r\n1\r\n--bc--\r\n--b\r\n\r\n2\r\n--b--\r\n",
        "multipart/mixed 11\n multipart/alternative 4\n  text/plain 1 [1]\n text/plain 1 [2]\n")]
    // both the same: the outer one ends the inner
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n",
        "multipart/mixed 7\n multipart/mixed 0 []\n text/plain 1 [1]\n")]
    // the inner multipart is not closed
    [InlineData("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n1\r\n--o--\r\n",
        "multipart/mixed 7\n multipart/mixed 3\n  text/plain 1 [1]\n")]
    [InlineData("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n", "message/rfc822 3\n text/plain 1 [x\r\n]\n")]
    [InlineData("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: in\r\n", "message/rfc822 1 [Subject: in\r\n]\n")]
    [InlineData("Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: in\r\n\r\nx\r\n--d--\r\n", "multipart/digest 6\n message/rfc822 3\n  text/plain 1 [x]\n")]
    public void Shapes(string message, string expected) => Draw(message).ShouldBe(expected);

    [Fact]
    public void Nesting_stops_at_64_and_the_rest_is_opaque()
    {
        var b = new StringBuilder();
        for (var i = 0; i < 10_000; i++) b.Append($"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
        b.Append("\r\nend\r\n");
        var p = Read(b.ToString());
        for (var depth = 1; depth < 64; depth++) p = p.Parts.ShouldHaveSingleItem();
        (p.Type, p.Subtype, p.Parts.Count).ShouldBe(("application", "octet-stream", 0));

        p = Read(string.Concat(Enumerable.Repeat("Content-Type: message/rfc822\r\n\r\n", 10_000)));
        for (var depth = 1; depth < 64; depth++) p = p.Parts.ShouldHaveSingleItem();
        p.Type.ShouldBe("application");
    }

    [Fact]
    public void Parts_stop_at_1000_and_the_rest_is_opaque()
    {
        var b = new StringBuilder("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (var i = 0; i < 100_000; i++) b.Append("--b\r\n\r\nx\r\n");
        var octets = Encoding.ASCII.GetBytes(b.ToString());
        var p = Read(octets);
        Sound(p, 0, octets.Length, 1).ShouldBe(1000);
        p.Parts[^1].Subtype.ShouldBe("octet-stream");
        p.Parts[^1].End.ShouldBe(octets.Length);
    }

    [Fact]
    public void Parameters_stop_at_200()
    {
        var value = string.Concat(Enumerable.Range(0, 1000).Select(i => $";p{i}={i}"));
        Read("Content-Type: text/plain" + value + "\r\n\r\n").Parameters.Count.ShouldBe(200);
    }

    [Fact]
    public void Long_lines_and_fields_across_windows()
    {
        var text = "X: " + new string('x', 200_000) + "\r\n " + new string('y', 70_000) + "\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
                   new string('z', 131_072) + "\r\n--" + new string('-', 90_000) + "\r\n--b\r\n\r\n" + new string('q', 65_536) + "\r\n--b--\r\n";
        var p = Read(text);
        p.Parts.ShouldHaveSingleItem().Lines.ShouldBe(1);
    }

    [Fact]
    public void Delimiters_at_every_place_of_a_window()
    {
        for (var fill = PartTree.Window - 80; fill < PartTree.Window + 10; fill++)
            Read("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + new string('z', fill) + "\r\n--b\r\nA: b\r\n\r\n1\r\n--b--\r\n").Parts.ShouldHaveSingleItem().Lines.ShouldBe(1);
    }

    [Fact]
    public void Decode_refuses_anything_else()
    {
        var good = PartTree.Encode(PartTree.Read("Content-Type: x/y; a=bbbb\r\n\r\nx"u8));
        for (var n = 0; n < good.Length; n++) Should.Throw<FormatException>(() => PartTree.Decode(good.AsSpan(0, n)));
        Should.Throw<FormatException>(() => PartTree.Decode([.. good, 0]));
        Should.Throw<FormatException>(() => PartTree.Decode([4, .. good.AsSpan(1)]));
    }
}
