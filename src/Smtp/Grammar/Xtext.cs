using System.Text;

namespace Posthorn.Smtp.Grammar;

/// <summary><c>xtext = *( xchar / hexchar )</c> (RFC 3461 §4), and the escapes of RFC 6533 §3 for addresses in UTF-8.</summary>
static class Xtext
{
    /// <summary>
    /// Decodes; null when it is no xtext, or when what it stands for is not printable ASCII. A new line in ENVID, ORCPT or AUTH
    /// must not get near a header or a queue record (CVE-2020-28026).
    /// </summary>
    internal static string? Decode(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf((byte)'+') < 0) return IsXchars(text) ? Encoding.ASCII.GetString(text) : null;
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '+')
            {
                // hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
                if (i + 2 >= text.Length || Hex(text[i + 1]) is not (>= 0 and var high) || Hex(text[i + 2]) is not (>= 0 and var low)) return null;
                c = (byte)(high << 4 | low);
                if (c is < 32 or > 126) return null;
                i += 2;
            }
            else if (!IsXchar(c)) return null;
            plain.Append((char)c);
        }
        return plain.ToString();
    }

    /// <summary>
    /// <c>utf-8-addr-xtext</c> and <c>utf-8-addr-unitext</c> (RFC 6533 §3): <c>\x{HEX}</c> for a character, and UTF-8 as
    /// it is where <paramref name="raw"/> allows it (after SMTPUTF8).
    /// </summary>
    internal static string? DecodeUtf8Address(ReadOnlySpan<byte> text, bool raw)
    {
        if (!System.Text.Unicode.Utf8.IsValid(text)) return null;
        var source = Encoding.UTF8.GetString(text);
        var plain = new StringBuilder(source.Length);
        for (var i = 0; i < source.Length; i++)
        {
            var c = source[i];
            if (c == '\\')
            {
                var close = source.IndexOf('}', i);
                if (close < 0 || close - i is < 5 or > 10 || source[i + 1] != 'x' || source[i + 2] != '{') return null;
                if (!int.TryParse(source.AsSpan(i + 3, close - i - 3), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var point)
                    || !Rune.TryCreate(point, out var rune) || Rune.IsControl(rune)) return null;
                plain.Append(rune.ToString());
                i = close;
            }
            else if (c < 128 ? !IsXchar((byte)c) : !raw || char.IsControl(c)) return null;
            else plain.Append(c);
        }
        return plain.ToString();
    }

    /// <summary>Encodes ASCII; null for text that xtext has no form for.</summary>
    internal static string? Encode(string text)
    {
        if (!Ascii.IsValid(text)) return null;
        var encoded = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (IsXchar((byte)c)) encoded.Append(c);
            else encoded.Append('+').Append(((int)c).ToString("X2"));
        }
        return encoded.ToString();
    }

    /// <summary><c>utf-8-addr-xtext</c> (RFC 6533 §3), which is ASCII and so right with SMTPUTF8 and without.</summary>
    internal static string EncodeUtf8Address(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii && IsXchar((byte)rune.Value) && rune.Value != '\\') encoded.Append(rune.ToString());
            else encoded.Append("\\x{").Append(rune.Value.ToString("X2")).Append('}');
        }
        return encoded.ToString();
    }

    static bool IsXchars(ReadOnlySpan<byte> text)
    {
        foreach (var c in text)
            if (!IsXchar(c)) return false;
        return true;
    }

    // xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
    static bool IsXchar(byte c) => c is >= 33 and <= 126 and not ((byte)'+' or (byte)'=');

    static int Hex(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10, // seen in the wild; unambiguous
        _ => -1,
    };
}
