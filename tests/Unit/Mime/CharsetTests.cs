using System.Text;
using Posthorn.Mime.Encodings;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class CharsetTests
{
    [Theory]
    [InlineData("utf-8", "c3a9", "é")]
    [InlineData("UTF8", "c3a9", "é")]
    [InlineData("us-ascii", "93e9", "“é")]
    [InlineData("iso-8859-1", "e980", "é€")]
    [InlineData("iso-8859-15", "a4", "€")]
    [InlineData("iso-8859-2", "b1", "ą")]
    [InlineData("cp1252", "80", "€")]
    [InlineData("windows-1251", "cff0e8e2e5f2", "Привет")]
    [InlineData("cp1251", "cff0", "Пр")]
    [InlineData("win-1251", "cff0", "Пр")]
    [InlineData("koi8-r", "f0d2", "Пр")]
    [InlineData("koi8-u", "a4", "є")]
    [InlineData("x-sjis", "93fa967b", "日本")]
    [InlineData("Shift_JIS", "93fa", "日")]
    [InlineData("iso-2022-jp", "1b2442467c1b2842", "日")]
    [InlineData("euc-jp", "c6fc", "日")]
    [InlineData("ks_c_5601-1987", "c7d1", "한")]
    [InlineData("euc-kr", "c7d1", "한")]
    [InlineData("iso-2022-kr", "1b2429430e47510f", "한")]
    [InlineData("gb2312", "d6d0", "中")]
    [InlineData("gb2312", "8130a238", "\u01F6")] // four octets: only gb18030 has them
    [InlineData("hz-gb-2312", "7e7b56507e7d", "中")]
    [InlineData("big5", "a4a4", "中")]
    [InlineData("iso-8859-8-i", "e0", "א")]
    [InlineData("iso-8859-10", "a1ff", "Ąĸ")]
    [InlineData("iso-8859-14", "a1", "Ḃ")]
    [InlineData("iso-8859-16", "a4", "€")]
    [InlineData("tis-620", "a1", "ก")]
    [InlineData("macintosh", "8e", "é")]
    [InlineData("ibm850", "82", "é")]
    [InlineData("unicode-1-1-utf-7", "48692b4148672d2d2b2d21", "Hix-+!")]
    [InlineData("utf-7", "2b3367412d78", "\uFFFDx")]
    [InlineData("utf-16be", "00e9", "é")]
    [InlineData("\"utf-8\" ", "c3a9", "é")]
    public void Decodes(string charset, string octets, string text) => Charsets.Find(charset).ShouldNotBeNull().GetString(Convert.FromHexString(octets)).ShouldBe(text);

    /// <summary>RFC 2152 §5, and a character outside the first plane.</summary>
    [Theory]
    [InlineData("A+ImIDkQ.", "A≢Α.")]
    [InlineData("Hi Mom -+Jjo--!", "Hi Mom -☺-!")]
    [InlineData("+ZeVnLIqe-", "日本語")]
    [InlineData("Item 3 is +AKM-1.", "Item 3 is £1.")]
    [InlineData("+2D3eAA-", "😀")]
    public void Utf7_split_at_every_octet(string coded, string text)
    {
        var octets = Encoding.ASCII.GetBytes(coded);
        Charsets.Find("utf-7")!.GetString(octets).ShouldBe(text);
        for (var cut = 0; cut <= octets.Length; cut++)
        {
            var decoder = Charsets.Find("utf-7")!.GetDecoder();
            var chars = new char[64];
            var n = decoder.GetChars(octets.AsSpan(0, cut), chars, flush: false);
            n += decoder.GetChars(octets.AsSpan(cut), chars.AsSpan(n), flush: true);
            new string(chars, 0, n).ShouldBe(text);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("no-such-charset")]
    [InlineData("utf-8é")]
    [InlineData("cp99999999999")]
    [InlineData("a-name-that-is-longer-than-any-registered-charset-name-is")]
    public void Unknown_names_give_nothing(string charset) => Charsets.Find(charset).ShouldBeNull();

    [Fact]
    public void No_charset_throws_on_any_octets()
    {
        var random = new Random(5);
        var octets = new byte[300];
        foreach (var name in new[] { "utf-8", "utf-7", "utf-16", "utf-32", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
                     "iso-8859-10", "koi8-r", "windows-1258", "us-ascii", "x-mac-japanese", "ibm037", "x-cp50227", "csiso2022jp", "iso-8859-6", "windows-874", "x-iscii-de" })
            for (var i = 0; i < 200; i++)
            {
                random.NextBytes(octets);
                Charsets.Find(name)?.GetString(octets).Length.ShouldBeLessThanOrEqualTo(2 * octets.Length + 2, name);
            }
    }

    [Fact]
    public void Broken_octets_become_replacement_characters()
    {
        Charsets.Find("utf-8")!.GetString("a\xffb"u8.ToArray().AsSpan(0, 1)).ShouldBe("a");
        Charsets.Find("utf-8")!.GetString([(byte)'a', 0xff, (byte)'b']).ShouldBe("a\uFFFDb");
        Charsets.Find("euc-kr")!.GetString([0xc7]).ShouldContain("\uFFFD");
    }
}
