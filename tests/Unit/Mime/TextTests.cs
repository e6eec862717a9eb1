using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Structure;
using Posthorn.Mime.Text;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class TextTests
{
    static string Extract(byte[] message, int most = TextExtractor.MaxOctets)
    {
        var part = PartTree.Read(message);
        TextExtractor.IsText(part).ShouldBeTrue();
        var extractor = new TextExtractor(part, most);
        foreach (var piece in message[(int)part.BodyStart..(int)part.End].Chunk(7)) extractor.Write(piece);
        return extractor.Finish();
    }

    static string Extract(string header, string body) => Extract(Encoding.UTF8.GetBytes(header + "\r\n\r\n" + body));

    [Theory]
    [InlineData("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", "Y2Fmw6k=", "café")]
    [InlineData("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable", "caf=E9", "café")]
    [InlineData("Content-Type: text/plain", "café", "café")]
    [InlineData("Content-Type: text/plain; charset=us-ascii", "café", "café")]
    [InlineData("Content-Type: text/plain; charset=no-such", "café", "café")]
    [InlineData("Content-Type: text/plain\r\nContent-Transfer-Encoding: x-odd", "café", "")]
    [InlineData("Content-Type: text/html", "<p>one<p>t<b>w</b>o &amp; &eacute;&#233;&#xe9; &nbsp;x", "one two & ééé  x")]
    [InlineData("Content-Type: text/html", "<style>p{}</style>a<SCRIPT>if (a<b) x()</script >b<!-- no --> c", "a b c")]
    [InlineData("Content-Type: text/html", "a < b &unknown; & <a href=\"x>y\">z</a> 1<2", "a < b &unknown; & z 1<2")]
    [InlineData("Content-Type: text/html", "x<img alt='a\">y", "x y")]
    [InlineData("Content-Type: text/html", "x<script>never closed", "x ")]
    [InlineData("Content-Type: text/html\r\nContent-Transfer-Encoding: base64", "PG1ldGEgY2hhcnNldD0ia29pOC1yIj7w0g==", "Пр")]
    [InlineData("Content-Type: text/calendar", "BEGIN:VEVENT\r\nSUMMARY;LANGUAGE=\"a:b\":Long sum\r\n mary\\, with comma\r\nATTACH;ENCODING=BASE64:AAAA\r\n BBBB\r\nEND:VEVENT", "Long summary, with comma\n")]
    [InlineData("Content-Type: text/vcard", "BEGIN:VCARD\nFN:Jo\nitem1.TEL:+1\nPHOTO;ENCODING=b:AAA\n AAA\nNOTE:a\\nb\nEND:VCARD\n", "Jo\n+1\na\nb\n")]
    public void Examples(string header, string body, string text) => Extract(header, body).ShouldBe(text);

    [Fact]
    public void Text_is_bounded() => Extract(Encoding.ASCII.GetBytes("\r\n" + new string('x', 100_000)), most: 5000).Length.ShouldBe(5000);

    [Fact]
    public void Html_never_throws_and_never_grows()
    {
        var piece = Gen.Elements("<", ">", "</", "<!--", "-->", "<script", "</script>", "&", "amp;", "&#x0;", "&#99999999;", "\"", "'", "=", " ", "p", "é", "\0", "<a href=");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(60), Prop.ForAll(Arb.From(Gen.ArrayOf(piece)), p =>
        {
            var html = string.Concat(p);
            HtmlText.Strip(html).Length.ShouldBeLessThanOrEqualTo(html.Length);
        }));
    }

    [Fact]
    public void Only_text_is_text()
    {
        TextExtractor.IsText(PartTree.Read("Content-Type: image/png\r\n\r\n"u8)).ShouldBeFalse();
        TextExtractor.IsText(PartTree.Read("Content-Type: text/csv\r\n\r\n"u8)).ShouldBeTrue();
    }
}
