using System.Buffers.Binary;
using System.Numerics;

namespace Posthorn.Search.Segments;

/// <summary>CRC-32C, which the processor does: SQLite would not notice an octet that changed inside a value.</summary>
static class Checksum
{
    internal static uint Of(ReadOnlySpan<byte> octets, uint seed)
    {
        var crc = ~seed;
        for (; octets.Length >= 8; octets = octets[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(octets));
        foreach (var octet in octets) crc = BitOperations.Crc32C(crc, octet);
        return ~crc;
    }

    internal static uint Of(long value, uint seed) => ~BitOperations.Crc32C(~seed, (ulong)value);
}
