using System.Text;
using Posthorn.Wire.Lines;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire.Lines;

public class LineCheckTests
{
    static bool Good(string text, int split)
    {
        var check = new LineCheck();
        var octets = Encoding.Latin1.GetBytes(text);
        return check.Take(octets.AsSpan(0, split)) && check.Take(octets.AsSpan(split)) && check.MayEnd;
    }

    static bool GoodByTheBook(string text) => !text.Contains('\0') && !text.Replace("\r\n", "").Contains('\r') && !text.Replace("\r\n", "").Contains('\n');

    /// <summary>All texts of up to five octets of the alphabet that matters, split in every place, short and behind a whole vector.</summary>
    [Fact]
    public void Every_short_text_in_every_split()
    {
        const string alphabet = "a.\r\n\0";
        for (var length = 0; length <= 5; length++)
            for (var n = 0; n < (int)Math.Pow(alphabet.Length, length); n++)
            {
                var text = string.Concat(Enumerable.Range(0, length).Select(i => alphabet[n / (int)Math.Pow(alphabet.Length, i) % alphabet.Length]));
                for (var split = 0; split <= length; split++) Good(text, split).ShouldBe(GoodByTheBook(text));
                var far = new string('x', 61) + text + new string('y', 40);
                Good(far, 0).ShouldBe(GoodByTheBook(far));
            }
    }
}
