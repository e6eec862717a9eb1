using System.Buffers.Binary;
using System.Numerics;

namespace Posthorn.Storage.Blobs;

/// <summary>
/// The header before each body in a pack: magic, CRC-32C of what follows it in the header, length, SHA-256. A pack can be
/// walked without any metadata, and found again after a torn place by the magic.
/// </summary>
static class PackRecord
{
    internal const int HeaderLength = 48;
    internal static ReadOnlySpan<byte> FileMagic => "posthorn pack 1\n"u8;
    internal static ReadOnlySpan<byte> Magic => "PhB1"u8;

    internal static void WriteHeader(Span<byte> header, ReadOnlySpan<byte> hash, long length)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], length);
        hash.CopyTo(header[16..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Crc(header[8..HeaderLength]));
    }

    /// <summary>False when this is not a header.</summary>
    internal static bool TryReadHeader(ReadOnlySpan<byte> header, out long length, out ReadOnlySpan<byte> hash)
    {
        length = 0;
        hash = default;
        if (header.Length < HeaderLength || !header.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != Crc(header[8..HeaderLength]))
            return false;
        length = BinaryPrimitives.ReadInt64LittleEndian(header[8..]);
        hash = header[16..HeaderLength];
        return length >= 0;
    }

    static uint Crc(ReadOnlySpan<byte> octets)
    {
        var crc = uint.MaxValue;
        for (; octets.Length >= 8; octets = octets[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(octets));
        return ~crc;
    }
}
