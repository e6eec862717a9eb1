using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Encodings;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class TransferDecoderTests
{
    /// <summary>Decodes whole and cut in two at every place: all must agree.</summary>
    static string Decode(string encoding, string body)
    {
        var octets = Encoding.Latin1.GetBytes(body);
        var whole = TransferDecoder.All(encoding, octets);
        for (var cut = 0; cut <= octets.Length; cut++)
        {
            var into = new ArrayBufferWriter<byte>();
            var decoder = TransferDecoder.For(encoding)!;
            decoder.Decode(octets.AsSpan(0, cut), into);
            decoder.Decode(octets.AsSpan(cut), into);
            decoder.End(into);
            into.WrittenSpan.ToArray().ShouldBe(whole);
        }
        var count = new OctetCounter();
        var counted = TransferDecoder.For(encoding)!;
        counted.Decode(octets, count);
        counted.End(count);
        count.Count.ShouldBe(whole.Length);
        return Encoding.Latin1.GetString(whole);
    }

    [Theory]
    [InlineData("base64", "SGVsbG8=", "Hello")]
    [InlineData("base64", "SGVs\r\nbG8", "Hello")]
    [InlineData("base64", "SGVsbG8=SGVsbG8=", "HelloHello")]
    [InlineData("base64", "S!G\0V é sbG8==\r\n--\r\n", "Hello")]
    [InlineData("base64", "S", "")]
    [InlineData("base64", "====", "")]
    [InlineData("base64", "", "")]
    [InlineData("quoted-printable", "a=3Db=\r\nc  \r\nd\t", "a=bc\r\nd")]
    [InlineData("quoted-printable", "a=e9=E9", "aéé")]
    [InlineData("quoted-printable", "a=zz=4", "a=zz=4")]
    [InlineData("quoted-printable", "a=4g", "a=4g")]
    [InlineData("quoted-printable", "a= \t\r\nb=\nc", "abc")]
    [InlineData("quoted-printable", "a= b", "a= b")]
    [InlineData("quoted-printable", "a=", "a")]
    [InlineData("quoted-printable", "a==3D", "a==")]
    [InlineData("quoted-printable", "a=\rb", "ab")]
    [InlineData("quoted-printable", "a b \n", "a b\n")]
    [InlineData("x-uuencode", "text\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nmore\r\n", "Cat")]
    [InlineData("uuencode", "begin 644 x\n%86)C9&4\n", "abcde")]
    [InlineData("x-uue", "no begin\r\n#0V%T\r\n", "")]
    [InlineData("7bit", "=3D\r\n", "=3D\r\n")]
    [InlineData("binary", "\0\r", "\0\r")]
    public void Examples(string encoding, string body, string text) => Decode(encoding, body).ShouldBe(text);

    [Fact]
    public void Unknown_encodings_have_no_decoder() => TransferDecoder.For("x-unknown").ShouldBeNull();

    [Fact]
    public void Base64_comes_back_from_any_octets_in_any_lines()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
        {
            var text = Convert.ToBase64String(octets, Base64FormattingOptions.InsertLineBreaks);
            Encoding.Latin1.GetBytes(Decode("base64", text)).ShouldBe(octets);
        }));
    }

    [Fact]
    public void Quoted_printable_comes_back()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
        {
            var into = new ArrayBufferWriter<byte>();
            QuotedPrintable.Encode(octets, into);
            TransferDecoder.All("quoted-printable", into.WrittenSpan).ShouldBe(octets);
        }));
    }

    [Fact]
    public void White_space_without_end_costs_no_memory()
    {
        var decoder = TransferDecoder.For("quoted-printable")!;
        var count = new OctetCounter();
        var blanks = new byte[10_000];
        blanks.AsSpan().Fill((byte)' ');
        for (var i = 0; i < 100; i++) decoder.Decode(blanks, count);
        count.Count.ShouldBeGreaterThan(990_000);
    }
}
