using System.Buffers;

namespace Posthorn.Mime.Encodings;

/// <summary>The quoted-printable transfer encoding (RFC 2045 §6.7).</summary>
public static class QuotedPrintable
{
    /// <summary>RFC 2045 §6.7 (5): an encoded line has at most 76 octets, the "=" of a soft line end included.</summary>
    const int MostOnLine = 76;

    /// <summary>
    /// Encodes text whose line ends are CRLF; a CR or LF that is not one is an octet like others. What comes out is ASCII, has
    /// short lines, and every "=" of the text is encoded.
    /// </summary>
    public static void Encode(ReadOnlySpan<byte> text, IBufferWriter<byte> into)
    {
        var column = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
            {
                into.Write("\r\n"u8);
                column = 0;
                i++;
                continue;
            }
            var atEnd = i + 1 == text.Length || text[i + 1] == '\r' && i + 2 < text.Length && text[i + 2] == '\n';
            // White space at the end of a line would be taken for padding (3).
            var plain = c is >= 33 and <= 126 and not (byte)'=' || c is (byte)' ' or (byte)'\t' && !atEnd;
            var need = plain ? 1 : 3;
            if (column + need > (atEnd ? MostOnLine : MostOnLine - 1))
            {
                into.Write("=\r\n"u8);
                column = 0;
            }
            var room = into.GetSpan(3);
            if (plain) room[0] = c;
            else (room[0], room[1], room[2]) = ((byte)'=', "0123456789ABCDEF"u8[c >> 4], "0123456789ABCDEF"u8[c & 15]);
            into.Advance(need);
            column += need;
        }
    }
}
