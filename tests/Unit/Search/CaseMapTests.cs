using System.Security.Cryptography;
using System.Text;
using Posthorn.Search.Reading;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

public sealed class CaseMapTests
{
    /// <summary>
    /// The number is of all code points as Python 3 maps them (str.title where that is one letter, then NFKD by unicodedata, a
    /// line feed behind each), but for U+1E030 to U+1E08F, which its Unicode 14 has not yet.
    /// </summary>
    [Fact]
    public void Each_code_point_becomes_what_another_reading_of_Unicode_says()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<char> units = stackalloc char[2];
        for (var point = 0; point <= 0x10_FFFF; point++)
        {
            if (!Rune.IsValid(point) || point is >= 0x1_E030 and <= 0x1_E08F) continue;
            var folded = CaseMap.Fold(units[..new Rune(point).EncodeToUtf16(units)]);
            hash.AppendData(Encoding.UTF8.GetBytes(folded + "\n"));
        }
        Convert.ToHexStringLower(hash.GetHashAndReset()).ShouldBe("b97905689386cc6852924db0ec4c4761243afa1d965394ccc086ac6d4797ffde");
    }

    /// <summary>The first is the example of RFC 5051 §2.</summary>
    [Theory]
    [InlineData("\u01C4", "Dz\u030C")]
    [InlineData("ﬁn", "fiN")]
    [InlineData("Éa", "E\u0301A")]
    [InlineData("e\u0301", "E\u0301")]
    [InlineData("\uAC01\uAC00", "\u1100\u1161\u11A8\u1100\u1161")]
    [InlineData("\uD801\uDC28", "\uD801\uDC00")]
    [InlineData("\uD87E\uDC00", "\u4E3D")]
    [InlineData("a \t\r\n\u00A0\u3000b", "A B")]
    [InlineData("a \u00B4", "A \u0301")]
    [InlineData("\uD800x\uDC00", "\uD800X\uDC00")]
    [InlineData("", "")]
    public void Examples(string text, string folded) => CaseMap.Fold(text).ShouldBe(folded);

    [Fact]
    public void Texts_are_in_the_order_of_code_points()
    {
        string[] ascending = ["", "A", "AB", "B", "E\u0301", "\u05D0", "\uFF5E", "\uD801\uDC00", "\uD801\uDC01", "\uDBFF\uDFFD"];
        for (var i = 0; i < ascending.Length; i++)
            for (var j = 0; j < ascending.Length; j++)
                Math.Sign(CaseMap.Compare(ascending[i], ascending[j])).ShouldBe(i.CompareTo(j));
    }

    [Fact]
    public void The_longest_mapping_many_times()
    {
        var one = CaseMap.Fold("\uFDFA");
        one.Length.ShouldBe(18);
        CaseMap.Fold(new string('\uFDFA', 5000)).ShouldBe(string.Concat(Enumerable.Repeat(one, 5000)));
    }
}
