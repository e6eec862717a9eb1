using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Structure;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class EncodedWordTests
{
    static string Decode(string value) => EncodedWords.Decode(Encoding.UTF8.GetBytes(value));

    /// <summary>RFC 2047 §8, and what is beside them in real mail.</summary>
    [Theory]
    [InlineData("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>")]
    [InlineData("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>", "Keld Jørn Simonsen <keld@dkuug.dk>")]
    [InlineData("=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>", "André Pirard <PIRARD@vm1.ulg.ac.be>")]
    [InlineData("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=", "If you can read this you understand the example.")]
    [InlineData("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ")]
    [InlineData("(=?ISO-8859-1?Q?a?=)", "(a)")]
    [InlineData("(=?ISO-8859-1?Q?a?= b)", "(a b)")]
    [InlineData("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)")]
    [InlineData("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)")]
    [InlineData("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)")]
    [InlineData("(=?ISO-8859-1?Q?a_b?=)", "(a b)")]
    [InlineData("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)")]
    [InlineData("=?utf-8*en?Q?caf=C3=A9?=", "café")]
    [InlineData("=?utf-8?B?w4M=?= =?utf-8?B?qQ==?=", "\u00C3\uFFFD")]
    [InlineData("=?utf-8?Q?=C3?= =?UTF-8?Q?=A9?=", "é")]
    [InlineData("=?utf-8?B?ww?==?utf-8?B?qQ?=", "é")]
    [InlineData("=?utf-8?X?abc?=", "=?utf-8?X?abc?=")]
    [InlineData("=?no-such?Q?abc?= x", "=?no-such?Q?abc?= x")]
    [InlineData("=?utf-8?Q?abc", "=?utf-8?Q?abc")]
    [InlineData("=?utf-8?Q?abc=", "=?utf-8?Q?abc=")]
    [InlineData("=?=?utf-8?Q?a?=", "=?a")]
    [InlineData("=??Q?a?=", "=??Q?a?=")]
    [InlineData("=?utf-8?Q?a=0D=0Ab=1B[31m?=", "a  b [31m")]
    [InlineData("raw é  \t", "raw é")]
    [InlineData("folded\r\n\ttext", "folded\ttext")]
    [InlineData("=?utf-8?Q??=", "")]
    [InlineData("=?utf-8?q?=zz=4?=", "=zz=4")]
    public void Examples(string raw, string text) => Decode(raw).Replace('\t', ' ').ShouldBe(text.Replace('\t', ' '));

    [Fact]
    public void Raw_octets_that_are_not_utf8_are_windows_1252() => EncodedWords.Decode([(byte)'a', 0xe9, 0x80]).ShouldBe("aé€");

    [Fact]
    public void Never_throws_and_never_grows()
    {
        var piece = Gen.Elements("=?", "?=", "?", "=", "utf-8", "iso-2022-jp", "?Q?", "?b?", "*", "_", " ", "\r\n ", "QUJD", "=41", "\0", "é", "\u001b$B");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(60), Prop.ForAll(Arb.From(Gen.ArrayOf(piece)), p =>
        {
            var octets = Encoding.UTF8.GetBytes(string.Concat(p));
            var text = EncodedWords.Decode(octets);
            text.Length.ShouldBeLessThanOrEqualTo(octets.Length);
            text.Any(char.IsControl).ShouldBeFalse();
        }));
    }

    [Fact]
    public void Whatever_is_encoded_and_split_comes_back()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), s =>
        {
            var clean = new string([.. s.Get.Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]).Trim();
            var octets = Encoding.UTF8.GetBytes(clean);
            var words = octets.Chunk(5).Select((c, i) => i % 2 == 0 ? $"=?utf-8?B?{Convert.ToBase64String(c)}?=" : $"=?UTF-8?q?{string.Concat(c.Select(o => $"={o:X2}"))}?=");
            Decode(string.Join("\r\n ", words)).ShouldBe(clean);
        }));
    }

    static IReadOnlyList<KeyValuePair<string, string>> Parameters(string contentType) =>
        PartTree.Read(Encoding.UTF8.GetBytes("Content-Type: " + contentType + "\r\n\r\n")).Parameters;

    /// <summary>RFC 2231 §3, §4, §4.1, and broken ones.</summary>
    [Theory]
    [InlineData("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"", "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar")]
    [InlineData("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title", "This is ***fun***")]
    [InlineData("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"", "title", "This is even more ***fun*** isn't it!")]
    [InlineData("x/y; name*1=b; name*0=a", "name", "ab")]
    [InlineData("x/y; name*0=a; name*2=c", "name", "a")]
    [InlineData("x/y; name=plain; name*=utf-8''caf%C3%A9", "name", "café")]
    [InlineData("x/y; name*=caf%E9", "name", "café")]
    [InlineData("x/y; name*=no-such'x'caf%C3%A9", "name", "café")]
    [InlineData("x/y; name*0*=utf-8''%C3; name*1*=%A9", "name", "é")]
    [InlineData("x/y; name*0=\"100%\"; name*1*=%25", "name", "100%%")]
    [InlineData("x/y; name=\"=?utf-8?Q?caf=C3=A9?=\"", "name", "café")]
    [InlineData("x/y; name*1=b", "name", null)]
    [InlineData("x/y; name*x=b; name*=", "name", "")]
    public void Parameter_values(string contentType, string name, string? text) => ContinuedParameters.Text(Parameters(contentType), name).ShouldBe(text);

    [Fact]
    public void A_storm_of_pieces_is_bounded()
    {
        var storm = string.Concat(Enumerable.Range(0, 900).Select(i => $"; a*{i}=x")) + string.Concat(Enumerable.Range(0, 900).Select(i => $"; b{i}*0=y"));
        Parameters("x/y" + storm).ShouldHaveSingleItem().Value.Length.ShouldBe(200);
    }

    [Fact]
    public void A_boundary_may_be_continued() =>
        PartTree.Read("Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n"u8).Parts.ShouldHaveSingleItem();
}
