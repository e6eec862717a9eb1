using System.Text;
using System.Text.RegularExpressions;
using Posthorn.Wire.Lines;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Lines;

public class DotReaderTests
{
    const string Special = "\r\n.a\0";

    /// <summary>What a whole look at the input says, by other means than the reader's.</summary>
    static (bool Ended, int Used, bool Malformed, string Text) Expected(string input, bool dotted, bool repair)
    {
        var s = "\r\n" + input;
        var end = dotted ? s.IndexOf("\r\n.\r\n", StringComparison.Ordinal) : -1;
        var text = end >= 0 ? s[..(end + 2)] : s;
        var malformed = Regex.IsMatch(text, "\0|\r(?!\n)" + (repair ? "" : "|(?<!\r)\n"));
        if (dotted) text = text.Replace("\r\n.", "\r\n");
        if (repair) text = Regex.Replace(text, "(?<!\r)\n", "\r\n");
        return (end >= 0, end >= 0 ? end + 3 : input.Length, malformed, text[2..]);
    }

    static (bool Ended, int Used, bool Malformed, string Text) Actual(string input, bool dotted, bool repair, Func<int, int> cut)
    {
        var reader = new DotReader();
        reader.Begin(dotted, repair);
        var octets = Encoding.Latin1.GetBytes(input);
        var text = new StringBuilder();
        var at = 0;
        while (at < octets.Length)
        {
            // The buffer is the rest of one segment, as a connection hands it over.
            var segmentEnd = Math.Min(octets.Length, cut(at));
            while (at < segmentEnd)
            {
                var done = reader.Read(octets.AsMemory(at, segmentEnd - at), out var used, out var piece);
                text.Append(Encoding.Latin1.GetString(piece.Span));
                at += used;
                if (done) return (true, at, reader.Malformed, text.ToString());
            }
        }
        return (false, at, reader.Malformed || reader.EndsInCr, text.ToString());
    }

    static void Compare(string input, bool dotted, bool repair, Func<int, int> cut)
    {
        var want = Expected(input, dotted, repair);
        var got = Actual(input, dotted, repair, cut);
        var shown = $"dotted={dotted} repair={repair} {Regex.Escape(input).Replace("\0", "\\0")}";
        got.Ended.ShouldBe(want.Ended, shown);
        got.Used.ShouldBe(want.Used, shown);
        // Data that has not ended may stop in the middle of a dot line; only a whole message has a verdict and a text.
        if (dotted && !want.Ended) return;
        got.Malformed.ShouldBe(want.Malformed, shown);
        if (!want.Malformed) got.Text.ShouldBe(want.Text, shown);
    }

    [Theory, InlineData(true, false), InlineData(true, true), InlineData(false, false), InlineData(false, true)]
    public void Every_short_text_in_every_split(bool dotted, bool repair)
    {
        for (var length = 0; length <= 6; length++)
        {
            var count = (int)Math.Pow(Special.Length, length);
            for (var n = 0; n < count; n++)
            {
                var chars = new char[length];
                for (int i = 0, rest = n; i < length; i++, rest /= Special.Length) chars[i] = Special[rest % Special.Length];
                var input = new string(chars) + "b\r\n.\r\nQUIT";
                for (var split = 0; split < length + 6; split++)
                    Compare(input, dotted, repair, at => at < split ? split : int.MaxValue);
                Compare(input, dotted, repair, at => at + 1);
            }
        }
    }

    [Fact]
    public void Long_texts_through_the_vector_path()
    {
        var random = new Random(20260101);
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder();
            while (text.Length < 400)
            {
                text.Append('x', random.Next(0, 90));
                text.Append(random.Next(12) switch
                {
                    0 => "\n",
                    1 => "\r",
                    2 => "\0",
                    3 => "\r\n.",
                    4 => "\n.\r\n",
                    5 => "\r\n..",
                    _ => "\r\n",
                });
            }
            if (round % 2 == 0) text = new StringBuilder(Regex.Replace(text.ToString().Replace("\0", ""), "\r(?!\n)|(?<!\r)\n", "-"));
            text.Append("\r\n.\r\nMAIL FROM:<>\r\n");
            var size = random.Next(1, 200);
            Compare(text.ToString(), round % 3 != 0, round % 5 == 0, at => at + size);
        }
    }

    [Fact]
    public void Well_formed_text_comes_in_one_piece()
    {
        var text = string.Concat(Enumerable.Repeat("a line of text that is well formed\r\n", 100));
        var octets = Encoding.ASCII.GetBytes(text + ".\r\n");
        var reader = new DotReader();
        reader.Begin(dotted: true, repairBareLf: false);
        reader.Read(octets, out var used, out var piece).ShouldBeFalse();
        piece.Length.ShouldBe(text.Length);
        reader.Read(octets.AsMemory(used), out var rest, out piece).ShouldBeTrue();
        (used + rest).ShouldBe(octets.Length);
        piece.Length.ShouldBe(0);
    }
}
