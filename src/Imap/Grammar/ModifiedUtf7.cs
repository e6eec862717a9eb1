using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// Mailbox names in modified UTF-7 (RFC 3501 §5.1.3). Strict in both directions: a name has exactly one form, so that two
/// names that look different are different.
/// </summary>
static class ModifiedUtf7
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

    /// <summary>The encoded form; a lone surrogate becomes U+FFFD.</summary>
    internal static string Encode(ReadOnlySpan<char> name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length;)
        {
            if (IsPlain(name[i]))
            {
                text.Append(name[i]);
                if (name[i++] == '&') text.Append('-');
                continue;
            }
            text.Append('&');
            int bits = 0, value = 0;
            for (; i < name.Length && !IsPlain(name[i]); i++)
            {
                var lone = char.IsHighSurrogate(name[i]) ? i + 1 == name.Length || !char.IsLowSurrogate(name[i + 1])
                    : char.IsLowSurrogate(name[i]) && (i == 0 || !char.IsHighSurrogate(name[i - 1]));
                value = value << 16 | (lone ? '\uFFFD' : name[i]);
                for (bits += 16; bits >= 6; bits -= 6) text.Append(Alphabet[value >> (bits - 6) & 63]);
                value &= (1 << bits) - 1;
            }
            if (bits > 0) text.Append(Alphabet[value << (6 - bits) & 63]);
            text.Append('-');
        }
        return text.ToString();
    }

    /// <summary>The name; false for what <see cref="Encode"/> would never write.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> octets, out string name)
    {
        name = "";
        var text = new StringBuilder(octets.Length);
        for (var i = 0; i < octets.Length;)
        {
            var c = (char)octets[i++];
            if (!IsPlain(c)) return false;
            if (c != '&')
            {
                text.Append(c);
                continue;
            }
            var length = octets[i..].IndexOf((byte)'-');
            if (length < 0) return false;
            if (length == 0) text.Append('&');
            // "&a-&b-" would be another way to write "&ab-".
            else if (!TryShifted(octets.Slice(i, length), text) || octets[(i + length + 1)..] is [(byte)'&', not (byte)'-', ..]) return false;
            i += length + 1;
        }
        name = text.ToString();
        return true;
    }

    static bool TryShifted(ReadOnlySpan<byte> coded, StringBuilder text)
    {
        int bits = 0, value = 0;
        var high = false;
        foreach (var octet in coded)
        {
            var six = Alphabet.IndexOf((char)octet, StringComparison.Ordinal);
            if (six < 0) return false;
            value = value << 6 | six;
            bits += 6;
            if (bits < 16) continue;
            bits -= 16;
            var unit = (char)(value >> bits);
            value &= (1 << bits) - 1;
            if (IsPlain(unit) || unit == 0 || high != char.IsLowSurrogate(unit)) return false;
            high = char.IsHighSurrogate(unit);
            text.Append(unit);
        }
        return !high && bits < 6 && value == 0;
    }

    /// <summary>Printable US-ASCII stands for itself.</summary>
    static bool IsPlain(char c) => c is >= ' ' and <= '~';
}
