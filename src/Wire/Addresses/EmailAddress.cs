using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace Posthorn.Wire.Addresses;

/// <summary>
/// An address as SMTP has it: <c>Mailbox = Local-part "@" ( Domain / address-literal )</c> (RFC 5321 §4.1.2, RFC 6531 §3.3).
/// Parsed once at the edge; no control character can be in it, so it can be written to any wire.
/// </summary>
/// <param name="LocalPart">The local part without quoting, as given (case kept).</param>
/// <param name="Domain">The domain in lower case, as A-labels; or an address literal with its brackets.</param>
public sealed record EmailAddress(string LocalPart, string Domain)
{
    /// <summary>RFC 5321 §4.5.3.1.1.</summary>
    public const int MaxLocalPart = 64;

    /// <summary>RFC 5321 §4.5.3.1.2.</summary>
    public const int MaxDomain = 255;

    static readonly SearchValues<char> Atext = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~");
    static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>True when the local part is not ASCII, so that the address needs SMTPUTF8 (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 => !Ascii.IsValid(LocalPart);

    /// <summary>True for <c>user@[192.0.2.1]</c> and <c>user@[IPv6:…]</c>.</summary>
    public bool IsLiteral => Domain.StartsWith('[');

    /// <summary>The key under which local addresses are compared: lower case, both sides.</summary>
    public string Key => LocalPart.ToLowerInvariant() + "@" + Domain;

    /// <summary>The address as it stands in a command or a header, the local part quoted where it must be.</summary>
    public override string ToString() => (IsDotString(LocalPart) ? LocalPart : Quote(LocalPart)) + "@" + Domain;

    /// <summary>Two addresses are equal when they reach the same mailbox here: case is ignored on both sides.</summary>
    public bool Equals(EmailAddress? other) =>
        other is not null && Domain == other.Domain && string.Equals(LocalPart, other.LocalPart, StringComparison.OrdinalIgnoreCase);

    public override int GetHashCode() => HashCode.Combine(StringComparer.OrdinalIgnoreCase.GetHashCode(LocalPart), Domain);

    /// <summary>Parses a whole string as one address; null when it is none. U-labels become A-labels.</summary>
    public static EmailAddress? TryParse(string text)
    {
        Span<byte> utf8 = stackalloc byte[1024];
        return Encoding.UTF8.TryGetBytes(text, utf8, out var n) ? TryParse(utf8[..n], allowUtf8: true, out var used) is { } a && used == n ? a : null : null;
    }

    /// <summary>
    /// Parses an address at the start of <paramref name="text"/>; <paramref name="used"/> is its length in octets. Null when
    /// there is none, when it is too long, or when it holds a control character even in quotes.
    /// </summary>
    public static EmailAddress? TryParse(ReadOnlySpan<byte> text, bool allowUtf8, out int used)
    {
        used = 0;
        if (!TryLocalPart(text, allowUtf8, out var local, out var at)) return null;
        if (at >= text.Length || text[at] != '@') return null;
        if (!TryDomain(text[(at + 1)..], allowUtf8, out var domain, out var length)) return null;
        used = at + 1 + length;
        return new EmailAddress(local, domain);
    }

    /// <summary><c>Local-part = Dot-string / Quoted-string</c>.</summary>
    public static bool TryLocalPart(ReadOnlySpan<byte> text, bool allowUtf8, out string local, out int used)
    {
        local = "";
        used = 0;
        Span<byte> plain = stackalloc byte[MaxLocalPart];
        int i = 0, n = 0;
        if (text.Length > 0 && text[0] == '"')
        {
            for (i = 1; ; i++)
            {
                if (i >= text.Length || n >= MaxLocalPart && text[i] != '"') return false;
                var c = text[i];
                if (c == '"') break;
                if (c == '\\')
                {
                    if (++i >= text.Length) return false;
                    c = text[i];
                    if (c is < 32 or > 126) return false;
                }
                else if (c < 32 || c == 127 || c > 127 && !allowUtf8) return false;
                plain[n++] = c;
            }
            i++;
        }
        else
        {
            for (; i < text.Length; i++)
            {
                var c = text[i];
                var ok = c == '.' ? i > 0 && text[i - 1] != '.' : c > 127 ? allowUtf8 : Atext.Contains((char)c);
                if (!ok) break;
                if (n >= MaxLocalPart) return false;
                plain[n++] = c;
            }
            if (n == 0 || text[i - 1] == '.') return false;
        }
        if (n == 0) return false; // <""@example.test>: empty local part (CVE-2020-10967)
        if (!Utf8Text(plain[..n], out local)) return false;
        used = i;
        return true;
    }

    /// <summary><c>Domain</c> or <c>address-literal</c>, to lower-case A-labels.</summary>
    public static bool TryDomain(ReadOnlySpan<byte> text, bool allowUtf8, out string domain, out int used)
    {
        domain = "";
        used = 0;
        if (text.Length > 0 && text[0] == '[')
        {
            var close = text.IndexOf((byte)']');
            if (close < 0 || close > 64 || !Ascii.IsValid(text[..close])) return false;
            var inside = Encoding.ASCII.GetString(text[1..close]);
            var v6 = inside.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase);
            if (!IPAddress.TryParse(v6 ? inside[5..] : inside, out var ip) || inside.Contains('%')) return false;
            if (v6 != (ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)) return false;
            if (!v6 && inside.AsSpan().Count('.') != 3) return false;
            domain = v6 ? $"[IPv6:{ip}]" : $"[{ip}]";
            used = close + 1;
            return true;
        }
        var i = 0;
        var ascii = true;
        for (; i < text.Length && i <= 1024; i++)
        {
            var c = text[i];
            if (c > 127) { if (!allowUtf8) return false; ascii = false; }
            else if (!char.IsAsciiLetterOrDigit((char)c) && c is not ((byte)'-' or (byte)'.' or (byte)'_')) break;
        }
        if (i == 0) return false;
        if (!Utf8Text(text[..i], out var name)) return false;
        var normal = NormalizeDomain(name, ascii);
        if (normal is null) return false;
        domain = normal;
        used = i;
        return true;
    }

    /// <summary>A domain name to its lower-case A-label form without a trailing dot; null when it is not one (RFC 5891).</summary>
    public static string? NormalizeDomain(string name) => NormalizeDomain(name, Ascii.IsValid(name));

    static string? NormalizeDomain(string name, bool ascii)
    {
        if (name.Length == 0 || name.Length > MaxDomain) return null;
        if (!ascii)
        {
            try { name = Idn.GetAscii(name); }
            catch (ArgumentException) { return null; }
        }
        if (name.Length > MaxDomain) return null;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan()[range];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-') return null;
            foreach (var c in label)
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')) return null;
        }
        return name.ToLowerInvariant();
    }

    static bool Utf8Text(ReadOnlySpan<byte> octets, out string text)
    {
        if (Ascii.IsValid(octets)) { text = Encoding.ASCII.GetString(octets); return true; }
        text = "";
        if (!System.Text.Unicode.Utf8.IsValid(octets)) return false;
        text = Encoding.UTF8.GetString(octets);
        foreach (var c in text)
            if (char.IsControl(c)) return false;
        return true;
    }

    static bool IsDotString(string s)
    {
        if (s.Length == 0 || s[0] == '.' || s[^1] == '.' || s.Contains("..", StringComparison.Ordinal)) return false;
        foreach (var c in s)
            if (c != '.' && c < 128 && !Atext.Contains(c)) return false;
        return true;
    }

    static string Quote(string s)
    {
        var b = new StringBuilder("\"");
        foreach (var c in s)
        {
            if (c is '"' or '\\') b.Append('\\');
            b.Append(c);
        }
        return b.Append('"').ToString();
    }
}
