using System.Buffers;
using System.Text;
using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Structure;
using Posthorn.Tests.Testing.Imap;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class BodyStructureTests
{
    static string Of(string message, bool extended = true) => Of(Encoding.UTF8.GetBytes(message), extended);

    static string Of(byte[] message, bool extended = true)
    {
        var stored = PartTree.Encode(PartTree.Read(message));
        StoredStructure.TryTexts(stored, out var envelope, out var structure).ShouldBeTrue();
        ImapShapes.Envelope(ImapValue.Parse(envelope));
        var parts = ImapShapes.Body(ImapValue.Parse(structure), extended: true);
        parts.ShouldBeLessThanOrEqualTo(2000);
        // What is rendered from the decoded tree is what was stored.
        var again = new ArrayBufferWriter<byte>();
        StoredStructure.WriteBodyStructure(PartTree.Decode(stored), again);
        again.WrittenSpan.SequenceEqual(structure).ShouldBeTrue();
        var body = new ArrayBufferWriter<byte>();
        StoredStructure.WriteBody(PartTree.Decode(stored), body);
        ImapShapes.Body(ImapValue.Parse(body.WrittenSpan), extended: false).ShouldBe(parts);
        return Encoding.UTF8.GetString(extended ? structure : body.WrittenSpan);
    }

    /// <summary>RFC 9051 §7.5.2 and §8; the size and lines are those of what is here.</summary>
    [Theory]
    [InlineData("Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\nline\r\n", """("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 6 1)""")]
    [InlineData("\r\nx", """("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 1)""")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\na\r\n--b\r\n" +
        "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=\"cc.diff\"\r\nContent-ID: <960723163407.20117h@cac.washington.edu>\r\nContent-Description: Compiler diff\r\n" +
        "Content-Transfer-Encoding: BASE64\r\n\r\nAAAA\r\n--b--\r\n",
        """(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 1 1)("text" "plain" ("charset" "US-ASCII" "name" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 4 1) "mixed")""")]
    public void Body(string message, string expected) => Of(message, extended: false).ShouldBe(expected);

    [Theory]
    [InlineData("Content-Type: image/png\r\nContent-Disposition: ATTACHMENT; filename=\"a b.png\"; size=3\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Language: en, de\r\nContent-Location: http://x/\r\n y\r\n\r\nabc",
        """("image" "png" NIL NIL NIL "7bit" 3 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" "a b.png" "size" "3")) ("en" "de") "http://x/y")""")]
    [InlineData("Content-Type: text/html; charset=utf-8\r\nContent-Language: en\r\nContent-Disposition: inline\r\n\r\n", """("text" "html" ("charset" "utf-8") NIL NIL "7bit" 0 0 NIL ("inline" NIL) "en" NIL)""")]
    [InlineData("Content-Type: multipart/mixed; boundary=b\r\nContent-Language: fr\r\n\r\nno parts\r\n",
        """(("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL "fr" NIL)""")]
    [InlineData("Content-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: a@b\r\n\r\nx\r\n",
        """("message" "rfc822" NIL NIL NIL "7bit" 29 (NIL "in" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL) 4 NIL NIL NIL NIL)""")]
    [InlineData("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3Vi\r\n",
        """("message" "rfc822" NIL NIL NIL "base64" 6 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 1 NIL NIL NIL NIL)""")]
    [InlineData("Content-Type: application/pdf; name*0*=utf-8''%e2%82; name*1*=%ac.pdf\r\nContent-Disposition: attachment; filename*0=a; filename*1=b\r\n\r\n",
        """("application" "pdf" ("name*" "utf-8''%e2%82%ac.pdf") NIL NIL "7bit" 0 NIL ("attachment" ("filename" "ab")) NIL NIL)""")]
    [InlineData("Content-Type: application/pdf; name=\"é.pdf\"\r\n\r\n", "(\"application\" \"pdf\" (\"name\" {6}\r\né.pdf) NIL NIL \"7bit\" 0 NIL NIL NIL NIL)")]
    public void Extended(string message, string expected) => Of(message).ShouldBe(expected);

    [Fact]
    public void A_raw_file_name_that_is_not_utf8_is_readable() =>
        PartTree.Read([.. "Content-Disposition: attachment; filename=\""u8, 0xe9, .. "\"\r\n\r\n"u8]).DispositionParameters.ShouldBe([new("filename", "é")]);

    [Fact]
    public void Rows_of_the_first_version_are_still_read()
    {
        byte[] first = [1, 0, 8, 1, 1, 1, 2, 26, 0, 0];
        var part = PartTree.Decode(first);
        (part.BodyStart, part.End, part.Type, part.Encoding, part.Envelope.Length).ShouldBe((8L, 9L, "text", "7bit", 0));
        StoredStructure.TryTexts(first, out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void Rows_of_the_second_version_are_still_read_and_have_no_references()
    {
        byte[] second = [2, .. Octets("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"), .. Octets("(x)"), 0, 8, 1, 1, 1, 2, 26, 0, 0, 0];
        var part = PartTree.Decode(second);
        (part.BodyStart, part.End, part.Type, part.Encoding, part.Envelope.Length, part.References).ShouldBe((8L, 9L, "text", "7bit", 41, null));
        StoredStructure.TryTexts(second, out _, out var structure).ShouldBeTrue();
        Encoding.ASCII.GetString(structure).ShouldBe("(x)");
        StoredStructure.TryReferences(second, out _, out _).ShouldBeFalse();
        PartTree.Encode(part)[0].ShouldBe((byte)3);
        StoredStructure.TryReferences(PartTree.Encode(part), out _, out _).ShouldBeFalse();

        static byte[] Octets(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
    }

    [Theory]
    [InlineData("Subject: x\r\n\r\n", "")]
    [InlineData("References: <a@b>\r\n <c@d>\r\n\r\n", "<a@b>\r\n <c@d>")]
    [InlineData("REFERENCES : <a@b>\r\nSubject: x\r\nReferences:\r\nreferences: <c@d>\r\n\r\nReferences: <no@body>", "<a@b> <c@d>")]
    [InlineData("Content-Type: message/rfc822\r\n\r\nReferences: <inner@b>\r\n\r\n", "")]
    public void References_of_the_message_itself_are_kept(string message, string expected)
    {
        StoredStructure.TryReferences(PartTree.Encode(PartTree.Read(Encoding.ASCII.GetBytes(message))), out var envelope, out var references).ShouldBeTrue();
        Encoding.ASCII.GetString(references).ShouldBe(expected);
        Envelope.Parse(envelope);
    }

    [Fact]
    public void References_that_are_too_long_are_not_kept()
    {
        var message = "Subject: x\r\nReferences: " + string.Concat(Enumerable.Repeat("<a@b>\r\n ", 3000)) + "\r\n\r\n";
        StoredStructure.TryReferences(PartTree.Encode(PartTree.Read(Encoding.ASCII.GetBytes(message))), out _, out _).ShouldBeFalse();
    }

    /// <summary>What is on disk is frozen.</summary>
    [Fact]
    public void The_third_version_stays_as_it_is() =>
        Convert.ToHexString(PartTree.Encode(PartTree.Read("A: b\r\nReferences: <x@y>\r\nContent-Disposition: inline\r\n\r\nx"u8))).ShouldBe(
            "03" + "29" + Convert.ToHexString("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"u8) +
            "55" + Convert.ToHexString("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1 NIL (\"inline\" NIL) NIL NIL)"u8) +
            "06" + Convert.ToHexString("<x@y>"u8) +
            Convert.ToHexString([0, 56, 1, 1, 1, 2, 26, 1, 31, 39, 8, 52, 0, 0]));

    [Fact]
    public void A_thousand_odd_messages_are_sane_and_bounded()
    {
        var random = new Random(20260101);
        for (var i = 0; i < 1000; i++)
        {
            var message = OddMessages.Make(random);
            PartTreeTests.Read(message);
            Of(message).Length.ShouldBeLessThan(2_000_000);
            Envelope.Parse(PartTree.Read(message).Envelope.Span);
        }
    }

    [Fact]
    public void Deep_nesting_is_sane()
    {
        var b = new StringBuilder();
        for (var i = 0; i < 300; i++) b.Append($"Subject: {i}\r\nContent-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\nContent-Type: message/rfc822\r\n\r\n");
        Of(b.ToString()).Length.ShouldBeLessThan(100_000);
        Of(string.Concat(Enumerable.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n", 3000))).Length.ShouldBeLessThan(200_000);
    }

    [Fact]
    public void Parameters_without_end_stay_small()
    {
        var part = "--b\r\nContent-Type: x/y" + string.Concat(Enumerable.Range(0, 200).Select(i => $"; p{i}={new string('v', 500)}")) + "\r\n\r\n\r\n";
        var message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + string.Concat(Enumerable.Repeat(part, 500));
        PartTree.Encode(PartTree.Read(Encoding.ASCII.GetBytes(message))).Length.ShouldBeLessThan(1_000_000);
    }
}
