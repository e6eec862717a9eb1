using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Structure;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

/// <summary>Messages for peers that take 7 bits, or no binary (RFC 6152 §3, RFC 3030 §3).</summary>
public class SevenBitTests
{
    static byte[]? Convert(byte[] message, TransferForm form)
    {
        var into = new ArrayBufferWriter<byte>();
        return SevenBit.Convert(new MemoryStream(message), PartTree.Read(message), form, into) ? into.WrittenSpan.ToArray() : null;
    }

    static string Convert(string message, TransferForm form = TransferForm.SevenBit) =>
        Encoding.UTF8.GetString(Convert(Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n")), form).ShouldNotBeNull()).Replace("\r\n", "\n");

    [Fact]
    public void Text_becomes_quoted_printable() =>
        Convert("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding:\n 8bit\nSubject: x\n\nK\u00f6ln liegt am Rhein\n")
            .ShouldBe("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nSubject: x\nContent-Transfer-Encoding: quoted-printable\n\nK=C3=B6ln liegt am Rhein\n");

    [Fact]
    public void Text_that_says_nothing_of_itself_is_of_an_unknown_character_set() =>
        Convert("Subject: x\n\nK\u00f6ln liegt am Rhein\n")
            .ShouldBe("Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\nContent-Transfer-Encoding: quoted-printable\n\nK=C3=B6ln liegt am Rhein\n");

    [Fact]
    public void Each_part_is_encoded_on_its_own_and_containers_are_not() =>
        Convert("""
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b
            Content-Transfer-Encoding: 8bit

            prüamble
            --b

            plain
            --b
            Content-Type: text/html
            Content-Transfer-Encoding: 8bit

            <p>Köln liegt am Rhein</p>
            --b
            Content-Type: image/x
            Content-Transfer-Encoding: 8bit

            ööö
            --b
            Content-Type: message/rfc822
            Content-Transfer-Encoding: 8bit

            Subject: inner

            ö and a long line of other things
            --b--

            """).ShouldBe("""
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b
            Content-Transfer-Encoding: 7bit

            pr??amble
            --b

            plain
            --b
            Content-Type: text/html
            Content-Transfer-Encoding: quoted-printable

            <p>K=C3=B6ln liegt am Rhein</p>
            --b
            Content-Type: image/x
            Content-Transfer-Encoding: base64

            w7bDtsO2
            --b
            Content-Type: message/rfc822
            Content-Transfer-Encoding: 7bit

            Subject: inner
            Content-Transfer-Encoding: quoted-printable

            =C3=B6 and a long line of other things
            --b--

            """);

    [Fact]
    public void What_is_encoded_already_is_mended_in_its_own_way()
    {
        Convert("Content-Transfer-Encoding: quoted-printable\n\na=3Db \u00fc\n").ShouldBe("Content-Transfer-Encoding: quoted-printable\n\na=3Db =C3=BC\n");
        Convert("Content-Transfer-Encoding: base64\n\naGk\u00fc=\n").ShouldBe("Content-Transfer-Encoding: base64\n\naGk=\n");
    }

    [Fact]
    public void An_encoding_that_is_not_known_cannot_be_converted() =>
        Convert(Encoding.UTF8.GetBytes("Content-Transfer-Encoding: x-odd\r\n\r\n\u00fc\r\n"), TransferForm.SevenBit).ShouldBeNull();

    [Fact]
    public void ASCII_stays_as_it_is()
    {
        const string message = "MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: x/y\n\nsig\n--b--\n";
        Convert(message).ShouldBe(message);
    }

    [Fact]
    public void Binary_becomes_base64_and_8_bits_may_stay()
    {
        var converted = Convert(Encoding.UTF8.GetBytes("Content-Type: multipart/x; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\n\u00fc\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\r\r\n--b--\r\n"), TransferForm.EightBit).ShouldNotBeNull();
        Encoding.UTF8.GetString(converted).ShouldBe("Content-Type: multipart/x; boundary=b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\n\u00fc\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAoN\r\n--b--\r\n");
    }

    [Fact]
    public void Long_lines_go_by_base64()
    {
        var converted = Encoding.UTF8.GetString(Convert(Encoding.UTF8.GetBytes("Subject: x\r\n\r\n" + new string('x', 200_000) + "\u00fc\r\n"), TransferForm.SevenBit).ShouldNotBeNull());
        converted.ShouldContain("Content-Transfer-Encoding: base64\r\n");
        converted.Split("\r\n").Max(l => l.Length).ShouldBe(76);
    }

    [Fact]
    public void A_large_message_costs_one_pass()
    {
        // 20 MB of short lines with a header of 100,000 fields: a reader that starts again for each would not come to an end.
        var message = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("X-Field: v\r\n", 100_000)) + "\r\n" + string.Concat(Enumerable.Repeat("K\u00f6ln am Rhein\r\n", 1_200_000)));
        var reads = new CountingStream(message);
        var into = new ArrayBufferWriter<byte>();
        SevenBit.Convert(reads, PartTree.Read(message), TransferForm.SevenBit, into).ShouldBeTrue();
        reads.Octets.ShouldBeLessThan(3L * message.Length);
    }

    sealed class CountingStream(byte[] octets) : MemoryStream(octets)
    {
        internal long Octets { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var n = base.Read(buffer);
            Octets += n;
            return n;
        }
    }

    [Fact]
    public void Any_parts_come_back()
    {
        var encodings = new[] { "7bit", "8bit", "binary" };
        var types = new[] { "text/plain", "text/html", "image/png", "application/x" };
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<byte[][], int>((bodies, seed) =>
        {
            var random = new Random(seed);
            bodies = [.. bodies.Append("K\u00f6"u8.ToArray()).Select(b => (byte[])[.. b.SelectMany(o => o % 9 == 0 ? "\r\n"u8.ToArray() : new[] { o })])];
            using var message = new MemoryStream();
            message.Write("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\nContent-Transfer-Encoding: binary\r\n\r\n"u8);
            foreach (var body in bodies)
            {
                message.Write(Encoding.ASCII.GetBytes($"--=_b\r\nContent-Type: {types[random.Next(4)]}\r\nContent-Transfer-Encoding: {encodings[random.Next(3)]}\r\n\r\n"));
                message.Write(body);
                message.Write("\r\n"u8);
            }
            message.Write("--=_b--\r\n"u8);
            var before = PartTree.Read(message.ToArray());
            var form = (TransferForm)random.Next(2);
            var converted = Convert(message.ToArray(), form).ShouldNotBeNull();
            var root = PartTree.Read(converted);
            root.Parts.Count.ShouldBe(before.Parts.Count);
            if (form == TransferForm.SevenBit) converted.ShouldAllBe(o => o < 128);
            converted.ShouldNotContain((byte)0);
            Encoding.Latin1.GetString(converted).Replace("\r\n", "").ShouldNotContain(c => c == '\r' || c == '\n');
            for (var i = 0; i < root.Parts.Count; i++)
            {
                var (was, part) = (before.Parts[i], root.Parts[i]);
                Decoded(part, converted.AsSpan((int)part.BodyStart, (int)(part.End - part.BodyStart)))
                    .ShouldBe(message.ToArray().AsSpan((int)was.BodyStart, (int)(was.End - was.BodyStart)).ToArray());
            }
        }));
    }

    static byte[] Decoded(Part part, ReadOnlySpan<byte> body) => part.Encoding switch
    {
        "base64" => System.Convert.FromBase64String(Encoding.ASCII.GetString(body)),
        "quoted-printable" => Unquote(Encoding.Latin1.GetString(body).Replace("=\r\n", "")),
        _ => body.ToArray(),
    };

    static byte[] Unquote(string text)
    {
        var octets = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '=') octets.Add((byte)text[i]);
            else
            {
                octets.Add(System.Convert.ToByte(text.Substring(i + 1, 2), 16));
                i += 2;
            }
        }
        return [.. octets];
    }
}
