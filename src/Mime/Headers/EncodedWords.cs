using System.Buffers;
using System.Text;
using Posthorn.Mime.Encodings;

namespace Posthorn.Mime.Headers;

/// <summary>
/// Decodes encoded words in header text (RFC 2047, with the language of RFC 2231 §5). Linear in time. Words that follow each
/// other in one charset are decoded together, since characters are often split over them. What is broken, or in a charset
/// that is not known, stays as it is. Raw 8-bit octets are read as UTF-8, else as windows-1252.
/// </summary>
public static class EncodedWords
{
    /// <summary>
    /// The text of a field body, unfolded and decoded. White space around it goes, control characters become spaces: a subject
    /// cannot bring a line end or a terminal sequence to where it is shown.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.IndexOf("=?"u8) < 0 && Plain(value) is { } plain) return plain;
        var text = new StringBuilder(value.Length);
        var words = ArrayPool<byte>.Shared.Rent(Math.Max(value.Length, 16));
        var pending = 0;
        var charset = default(Encoding);
        while (value.Length > 0)
        {
            var start = value.IndexOf("=?"u8);
            var word = default(Word);
            // Each "?" is looked at by one candidate only as long as candidates do not overlap: TryRead never looks past four of them.
            while (start >= 0 && !TryRead(value[start..], out word))
            {
                var next = value[(start + 2)..].IndexOf("=?"u8);
                start = next < 0 ? -1 : start + 2 + next;
            }
            var between = start < 0 ? value : value[..start];
            // RFC 2047 §6.2: white space between encoded words is not text.
            if (charset is null || start < 0 || between.IndexOfAnyExcept(" \t\r\n"u8) >= 0)
            {
                Flush(text, charset, words, ref pending);
                charset = null;
                Raw(text, between);
            }
            if (start < 0) break;
            if (charset is not null && !ReferenceEquals(charset, word.Charset)) Flush(text, charset, words, ref pending);
            charset = word.Charset;
            pending += word.Decode(words.AsSpan(pending));
            value = value[(start + word.Length)..];
        }
        Flush(text, charset, words, ref pending);
        ArrayPool<byte>.Shared.Return(words);
        return text.ToString();
    }

    static string? Plain(ReadOnlySpan<byte> value) =>
        value.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 ? Encoding.ASCII.GetString(value) : null;

    static void Flush(StringBuilder text, Encoding? charset, byte[] words, ref int pending)
    {
        if (pending == 0) return;
        Append(text, charset!.GetString(words, 0, pending));
        pending = 0;
    }

    static void Raw(StringBuilder text, ReadOnlySpan<byte> octets)
    {
        while (octets.Length > 0)
        {
            var eol = octets.IndexOfAny((byte)'\r', (byte)'\n');
            var piece = eol < 0 ? octets : octets[..eol];
            Append(text, Charsets.Guess(piece));
            octets = eol < 0 ? default : octets[(eol + 1)..];
        }
    }

    static void Append(StringBuilder text, ReadOnlySpan<char> decoded)
    {
        foreach (var c in decoded) text.Append(char.IsControl(c) ? ' ' : c);
    }

    /// <summary>One encoded word: <c>"=?" charset ["*" language] "?" encoding "?" encoded-text "?="</c>.</summary>
    readonly ref struct Word(Encoding charset, bool base64, ReadOnlySpan<byte> text, int length)
    {
        readonly ReadOnlySpan<byte> _text = text;

        internal Encoding Charset { get; } = charset;

        internal int Length { get; } = length;

        /// <summary>Decodes into <paramref name="into"/>, which always has the room, and says how many octets that were.</summary>
        internal int Decode(Span<byte> into)
        {
            var n = 0;
            if (base64)
            {
                int bits = 0, held = 0;
                foreach (var c in _text)
                {
                    var six = Base64Decoder.Six(c);
                    if (six < 0) continue;
                    held = (held << 6 | six) & 0xFFFF;
                    bits += 6;
                    if (bits < 8) continue;
                    bits -= 8;
                    into[n++] = (byte)(held >> bits);
                }
                return n;
            }
            for (var i = 0; i < _text.Length; i++)
            {
                var c = _text[i];
                if (c == '=' && i + 2 < _text.Length && QuotedPrintableDecoder.IsHex(_text[i + 1]) && QuotedPrintableDecoder.IsHex(_text[i + 2]))
                {
                    into[n++] = (byte)(QuotedPrintableDecoder.Nibble(_text[i + 1]) << 4 | QuotedPrintableDecoder.Nibble(_text[i + 2]));
                    i += 2;
                }
                else into[n++] = c == '_' ? (byte)' ' : c;
            }
            return n;
        }
    }

    static bool TryRead(ReadOnlySpan<byte> at, out Word word)
    {
        word = default;
        var name = at[2..];
        if (name.Length > 64) name = name[..64];
        var q = name.IndexOf((byte)'?');
        if (q <= 0 || at.Length < q + 5 || at[q + 4] != '?') return false;
        var base64 = at[q + 3] is (byte)'B' or (byte)'b';
        if (!base64 && at[q + 3] is not ((byte)'Q' or (byte)'q')) return false;
        var text = at[(q + 5)..];
        var end = text.IndexOfAny("?\r\n"u8);
        if (end < 0 || end + 1 >= text.Length || text[end] != '?' || text[end + 1] != '=') return false;
        name = name[..q];
        var language = name.IndexOf((byte)'*');
        if (Charsets.Find(language < 0 ? name : name[..language]) is not { } charset) return false;
        word = new Word(charset, base64, text[..end], q + 5 + end + 2);
        return true;
    }
}
