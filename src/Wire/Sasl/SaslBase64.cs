using System.Buffers;
using System.Buffers.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>Base64 as SASL profiles use it: RFC 4648 §4, padded, nothing else in the line, bounded.</summary>
public static class SaslBase64
{
    /// <summary>The longest response line that is decoded, in octets (RFC 4954 §4 asks for 12,288).</summary>
    public const int MaxEncoded = 12288;

    static readonly SearchValues<byte> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8);

    /// <summary>
    /// Decodes one response; null when it is not strict base64 or too long. White space, missing or surplus padding and
    /// set bits under the padding are refused. The array is the caller's to wipe.
    /// </summary>
    public static byte[]? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == 0) return [];
        if (encoded.Length > MaxEncoded || encoded.Length % 4 != 0) return null;
        var padding = encoded[^1] != '=' ? 0 : encoded[^2] != '=' ? 1 : 2;
        if (encoded[..^padding].IndexOfAnyExcept(Alphabet) >= 0) return null;
        var octets = new byte[encoded.Length / 4 * 3 - padding];
        if (Base64.DecodeFromUtf8(encoded, octets, out var read, out var written) != OperationStatus.Done
            || read != encoded.Length || written != octets.Length || !IsCanonical(encoded, padding))
        {
            Secrets.Wipe(octets);
            return null;
        }
        return octets;
    }

    /// <summary>The base64 form of a challenge.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> octets)
    {
        var encoded = new byte[Base64.GetMaxEncodedToUtf8Length(octets.Length)];
        Base64.EncodeToUtf8(octets, encoded, out _, out _);
        return encoded;
    }

    // RFC 4648 §3.5: the bits that padding leaves over are zero, or two texts would mean the same octets.
    static bool IsCanonical(ReadOnlySpan<byte> encoded, int padding)
    {
        if (padding == 0) return true;
        ReadOnlySpan<byte> alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8;
        var last = alphabet.IndexOf(encoded[^(padding + 1)]);
        return (last & (padding == 1 ? 0b11 : 0b1111)) == 0;
    }
}
