using System.Globalization;
using System.Text;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>Addresses with their type, as the fields of a delivery status have them, in ASCII whatever they hold.</summary>
static class TypedAddress
{
    /// <summary>RFC 5322 §2.1.1 allows 998 characters on a line; an address cannot be folded.</summary>
    const int Most = 960;

    /// <summary>The address of an envelope (RFC 3461 §6.3 (e), RFC 6533 §3).</summary>
    internal static string Of(EmailAddress address)
    {
        var text = address.ToString();
        return Ascii.IsValid(text) ? "rfc822; " + text : "utf-8; " + Unitext(text);
    }

    /// <summary>The decoded value of ORCPT, "type;address"; null when it has no room on a line.</summary>
    internal static string? OfOriginal(string original)
    {
        var semicolon = original.IndexOf(';');
        var (type, address) = (original[..semicolon], original[(semicolon + 1)..]);
        // RFC 6533 §3: in a 7-bit part this type has its escaped form, also for the ASCII that would be mistaken for one.
        if (type.Equals("utf-8", StringComparison.OrdinalIgnoreCase)) address = Unitext(address);
        var field = type + "; " + address;
        return field.Length > Most ? null : field;
    }

    // utf-8-addr-xtext = 1*(QCHAR / EmbeddedUnicodeChar): QCHAR is printable ASCII without "\", "+", "=" and space
    static string Unitext(string address)
    {
        var b = new StringBuilder(address.Length + 32);
        foreach (var rune in address.EnumerateRunes())
        {
            if (rune.Value is > 32 and < 127 and not ('\\' or '+' or '=')) b.Append((char)rune.Value);
            else b.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X2}}}");
        }
        return b.ToString();
    }
}
