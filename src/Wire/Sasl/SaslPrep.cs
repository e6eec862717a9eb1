using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>
/// SASLprep (RFC 4013) for names and passwords, over UTF-8 and without making a string of a secret: maps the spaces of
/// C.1.2 to U+0020, drops what B.1 maps to nothing, folds the full-width forms of ASCII, refuses what §2.3 forbids.
/// </summary>
/// <remarks>
/// The rest of normalisation form KC is left out: the runtime has no tables for it with InvariantGlobalization (it
/// returns non-ASCII text as it is). Octets are compared as the client sent them, which is what nearly every client
/// composes anyway. The same preparation must be applied where a password is set.
/// </remarks>
public static class SaslPrep
{
    /// <summary>Prepares a name or password; null when it is not UTF-8 or holds a forbidden character. The array is the caller's to wipe.</summary>
    public static byte[]? Prepare(ReadOnlySpan<byte> utf8)
    {
        var prepared = new byte[utf8.Length]; // no mapping makes a character longer
        var length = 0;
        while (utf8.Length > 0)
        {
            if (Rune.DecodeFromUtf8(utf8, out var rune, out var used) != System.Buffers.OperationStatus.Done || IsForbidden(rune.Value))
            {
                Secrets.Wipe(prepared);
                return null;
            }
            utf8 = utf8[used..];
            if (IsDropped(rune.Value)) continue;
            length += Map(rune).EncodeToUtf8(prepared.AsSpan(length));
        }
        if (length == prepared.Length) return prepared;
        var exact = prepared[..length];
        Secrets.Wipe(prepared);
        return exact;
    }

    static Rune Map(Rune rune) => rune.Value switch
    {
        // RFC 3454 C.1.2
        0x00A0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x202F or 0x205F or 0x3000 => new Rune(' '),
        >= 0xFF01 and <= 0xFF5E => new Rune(rune.Value - 0xFEE0),
        _ => rune,
    };

    // RFC 3454 B.1; U+200B is there and in C.1.2: dropping it is what clients do.
    static bool IsDropped(int c) => c is 0x00AD or 0x034F or 0x1806 or (>= 0x180B and <= 0x180D) or (>= 0x200B and <= 0x200D)
        or 0x2060 or (>= 0xFE00 and <= 0xFE0F) or 0xFEFF;

    // RFC 3454 C.2.1, C.2.2, C.3 to C.9
    static bool IsForbidden(int c) => c switch
    {
        < 0x20 or 0x7F or (>= 0x80 and <= 0x9F) => true,
        0x0340 or 0x0341 or 0x06DD or 0x070F or 0x180E or 0x200E or 0x200F or 0x2028 or 0x2029 => true,
        (>= 0x202A and <= 0x202E) or (>= 0x2061 and <= 0x2063) or (>= 0x206A and <= 0x206F) or (>= 0x2FF0 and <= 0x2FFB) => true,
        (>= 0xE000 and <= 0xF8FF) or (>= 0xFDD0 and <= 0xFDEF) or (>= 0xFFF9 and <= 0xFFFD) => true,
        (>= 0x1D173 and <= 0x1D17A) or (>= 0xE0000 and <= 0xE007F) or >= 0xF0000 => true,
        _ => (c & 0xFFFE) == 0xFFFE,
    };
}
