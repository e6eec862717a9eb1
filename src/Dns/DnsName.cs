using System.Globalization;
using System.Net;
using System.Text;

namespace Posthorn.Dns;

/// <summary>Names as this room writes them: A-labels in lower case, parted by dots, without the last dot; the root is "".</summary>
public static class DnsName
{
    /// <summary>Octets of a name on the wire, the root's zero included (RFC 1035 §2.3.4).</summary>
    internal const int MaxWire = 255;

    /// <summary>Octets of a label (RFC 1035 §2.3.4).</summary>
    internal const int MaxLabel = 63;

    static readonly IdnMapping Idn = new();

    /// <summary>
    /// The name in its one form, or null when the text cannot be a name: an empty or too long label, too long in all, a
    /// control character, a blank or a backslash. Underscores are allowed, as in <c>_25._tcp.mx.example</c>.
    /// </summary>
    public static string? Normalise(string text)
    {
        // A U-label is at most as long as its A-label; past this it cannot become a name, whatever it holds.
        if (text.Length > MaxWire) return null;
        var name = text is "." ? "" : text.ToLowerInvariant();
        if (!Ascii.IsValid(name))
        {
            // RFC 5891 §4.4: to A-labels.
            try { name = Idn.GetAscii(name).ToLowerInvariant(); }
            catch (ArgumentException) { return null; }
        }
        if (name.EndsWith('.')) name = name[..^1];
        if (name.Length == 0) return text is "" or "." ? "" : null;
        if (name.Length > MaxWire - 2) return null;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan()[range];
            if (label.Length is 0 or > MaxLabel) return null;
            foreach (var c in label)
                if (c is <= ' ' or >= '\x7F' or '\\') return null;
        }
        return name;
    }

    /// <summary>The name under which the PTR records of an address are (RFC 1035 §3.5, RFC 3596 §2.5).</summary>
    public static string Reverse(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out var length);
        var name = new StringBuilder();
        for (var i = length - 1; i >= 0; i--)
        {
            if (length == 4) name.Append(octets[i]).Append('.');
            else name.Append(Hex(octets[i] & 15)).Append('.').Append(Hex(octets[i] >> 4)).Append('.');
        }
        return name.Append(length == 4 ? "in-addr.arpa" : "ip6.arpa").ToString();
    }

    static char Hex(int digit) => "0123456789abcdef"[digit];
}
