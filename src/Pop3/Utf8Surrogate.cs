using System.Buffers;
using System.Text;

namespace Posthorn.Pop3;

/// <summary>
/// The header of an internationalised message for a client that did not say UTF8 (RFC 6856 §2.1): words in UTF-8 become
/// encoded-words (RFC 2047), also in addresses, which then cannot be answered but can be shown (in the spirit of
/// RFC 6858). Octets that are not UTF-8 are old 8-bit mail and stay.
/// </summary>
static class Utf8Surrogate
{
    const int EncodedWord = 45; // octets in one encoded-word: 60 of base64 and 12 around them are under the 75 of RFC 2047 §2

    static readonly SearchValues<byte> Space = SearchValues.Create(" \t\r\n"u8);
    static readonly SearchValues<byte> Delimiters = SearchValues.Create(" \t\r\n<>()\"@,;:[]\\"u8);

    /// <summary>Octets of the header with its last CRLF, without the empty line.</summary>
    internal static int HeaderLength(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("\r\n"u8)) return 0;
        var end = text.IndexOf("\r\n\r\n"u8);
        return end < 0 ? text.Length : end + 2;
    }

    /// <summary>True when the header must be rewritten for this kind of client.</summary>
    internal static bool IsNeeded(ReadOnlySpan<byte> header) => header.IndexOfAnyInRange((byte)0x80, (byte)0xFF) >= 0;

    internal static byte[] Rewrite(ReadOnlySpan<byte> header)
    {
        var output = new ArrayBufferWriter<byte>(header.Length * 2);
        var afterEncoded = false;
        while (header.Length > 0)
        {
            var length = header.IndexOfAnyExcept(Space);
            if (length != 0)
            {
                // RFC 2047 §6.2: white space between encoded-words is not shown, so the next one must bring its own.
                var space = length < 0 ? header : header[..length];
                output.Write(space);
                header = header[space.Length..];
                if (afterEncoded && header.Length > 0 && NeedsEncoding(Word(header)))
                {
                    Encode([(byte)' ', .. Word(header)], output);
                    header = header[Word(header).Length..];
                }
                else afterEncoded = false;
                continue;
            }
            var word = Word(header);
            if (word.IsEmpty) word = header[..1]; // a delimiter
            afterEncoded = NeedsEncoding(word);
            if (afterEncoded) Encode(word, output);
            else output.Write(word);
            header = header[word.Length..];
        }
        return output.WrittenSpan.ToArray();
    }

    static ReadOnlySpan<byte> Word(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAny(Delimiters);
        return end < 0 ? text : text[..end];
    }

    static bool NeedsEncoding(ReadOnlySpan<byte> word) => IsNeeded(word) && System.Text.Unicode.Utf8.IsValid(word);

    static void Encode(ReadOnlySpan<byte> word, ArrayBufferWriter<byte> output)
    {
        for (var first = true; word.Length > 0; first = false)
        {
            var take = Math.Min(EncodedWord, word.Length);
            while (take < word.Length && (word[take] & 0xC0) == 0x80) take--; // never inside a character
            if (!first) output.Write("\r\n "u8);
            output.Write("=?utf-8?B?"u8);
            output.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(word[..take])));
            output.Write("?="u8);
            word = word[take..];
        }
    }
}
