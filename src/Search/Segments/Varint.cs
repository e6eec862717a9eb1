using System.Buffers;

namespace Posthorn.Search.Segments;

/// <summary>Numbers of seven bits an octet, the lowest first; the highest bit says that more follow.</summary>
static class Varint
{
    internal static int Length(ulong value)
    {
        var length = 1;
        for (; value >= 0x80; value >>= 7) length++;
        return length;
    }

    internal static void Write(ulong value, ArrayBufferWriter<byte> into)
    {
        var span = into.GetSpan(10);
        var n = 0;
        for (; value >= 0x80; value >>= 7) span[n++] = (byte)(value | 0x80);
        span[n++] = (byte)value;
        into.Advance(n);
    }

    /// <summary>Throws <see cref="FormatException"/> when there is no number.</summary>
    internal static ulong Read(ReadOnlySpan<byte> octets, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if ((uint)at >= (uint)octets.Length) break;
            var octet = octets[at++];
            value |= (ulong)(octet & 0x7F) << shift;
            if (octet < 0x80) return value;
        }
        throw new FormatException("a number is cut off");
    }
}
