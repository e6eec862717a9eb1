using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Structure;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class PartTreeProperties
{
    [Fact]
    public void Random_pieces_give_sound_trees_whole_and_in_chunks()
    {
        var piece = Gen.Elements("--a", "--b", "--ab", "--", "\r\n", "\n", "\r", "\r\n\r\n", " ", "x", "Content-Type: ", "multipart/mixed; boundary=", "a", "b",
            "multipart/digest; boundary=ab\r\n\r\n", "multipart/mixed; boundary=b\r\n\r\n", "message/rfc822\r\n\r\n", "Content-Transfer-Encoding: base64\r\n", "\"", "(", "\0", "é");
        var inputs = Gen.ArrayOf(piece).Select(p => Encoding.UTF8.GetBytes(string.Concat(p)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(80), Prop.ForAll(Arb.From(inputs), octets => { PartTreeTests.Read(octets); }));
    }

    [Fact]
    public void Decode_never_throws_anything_but_FormatException()
    {
        var good = PartTree.Encode(PartTree.Read("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: x/y; a=bbbb\r\n\r\nx\r\n--b--"u8));
        var edits = Gen.Zip(Gen.Choose(0, good.Length - 1), Gen.Choose(0, 255)).ArrayOf(3);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(Arb.From(edits), e =>
        {
            var bad = good.ToArray();
            foreach (var (at, value) in e) bad[at] = (byte)value;
            try { PartTree.Decode(bad); }
            catch (FormatException) { }
        }));
    }

    abstract record Node;

    sealed record Leaf(string Body) : Node;

    sealed record Multi(string Preamble, Node[] Children, string Epilogue) : Node;

    sealed record Wrapped(Node Inner) : Node;

    static Gen<Node> Nodes(int depth)
    {
        var line = Gen.Elements("", "text", "--", "-- ", "--x", "a longer line of text", ".");
        var lines = line.ListOf().Select(l => string.Join("\r\n", l));
        var leaf = lines.Select(Node (l) => new Leaf(l));
        if (depth == 0) return leaf;
        var multi = lines.Zip(Nodes(depth - 1).NonEmptyListOf()).Zip(lines).Select(Node (t) => new Multi(t.Item1.Item1, t.Item1.Item2.Take(4).ToArray(), t.Item2));
        return Gen.OneOf(leaf, multi, Nodes(depth - 1).Select(Node (n) => new Wrapped(n)));
    }

    /// <summary>Writes a node as text and tells at the same time where its parts lie: the reference that the reader must agree with.</summary>
    static (int HeaderStart, int BodyStart, int End, string Type, List<object> Parts) Write(StringBuilder to, Node node, ref int boundaries)
    {
        var headerStart = to.Length;
        var parts = new List<object>();
        string type;
        int bodyStart;
        switch (node)
        {
            case Multi m:
                type = "multipart";
                var boundary = "=_" + boundaries++ + "'";
                to.Append($"Subject: multi\r\nContent-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n\r\n");
                bodyStart = to.Length;
                if (m.Preamble.Length > 0) to.Append(m.Preamble).Append("\r\n");
                foreach (var c in m.Children)
                {
                    to.Append($"--{boundary}\r\n");
                    parts.Add(Write(to, c, ref boundaries));
                    to.Append("\r\n");
                }
                to.Append($"--{boundary}--\r\n").Append(m.Epilogue);
                break;
            case Wrapped w:
                type = "message";
                to.Append("Content-Type: message/rfc822\r\n\r\n");
                bodyStart = to.Length;
                parts.Add(Write(to, w.Inner, ref boundaries));
                break;
            default:
                type = "text";
                to.Append("Content-Type: text/plain\r\n\r\n");
                bodyStart = to.Length;
                to.Append(((Leaf)node).Body);
                break;
        }
        return (headerStart, bodyStart, to.Length, type, parts);
    }

    static void Agree(Part part, (int HeaderStart, int BodyStart, int End, string Type, List<object> Parts) expected, string text)
    {
        (part.HeaderStart, part.BodyStart, part.End, part.Type).ShouldBe((expected.HeaderStart, expected.BodyStart, expected.End, expected.Type));
        var body = text[expected.BodyStart..expected.End];
        part.Lines.ShouldBe(body.Count(c => c == '\n') + (body.Length > 0 && !body.EndsWith('\n') ? 1 : 0));
        part.Parts.Count.ShouldBe(expected.Parts.Count);
        for (var i = 0; i < part.Parts.Count; i++) Agree(part.Parts[i], ((int, int, int, string, List<object>))expected.Parts[i], text);
    }

    [Fact]
    public void Agrees_with_a_naive_reference_on_well_formed_messages() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(12), Prop.ForAll(Arb.From(Nodes(4)), node =>
        {
            var text = new StringBuilder();
            var boundaries = 0;
            var expected = Write(text, node, ref boundaries);
            Agree(PartTreeTests.Read(Encoding.ASCII.GetBytes(text.ToString())), expected, text.ToString());
        }));
}
