using System.Buffers;
using System.Buffers.Binary;
using Posthorn.Storage;

namespace Posthorn.Search.Segments;

/// <summary>The ids of a segment's messages as they are stored: differences and a checksum.</summary>
static class MessageList
{
    internal static byte[] Encode(ReadOnlySpan<long> ids)
    {
        var octets = new ArrayBufferWriter<byte>(ids.Length * 2 + 16);
        var last = 0L;
        foreach (var id in ids)
        {
            Varint.Write((ulong)(id - last), octets);
            last = id;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(octets.GetSpan(4), Checksum.Of(octets.WrittenSpan, (uint)ids.Length));
        octets.Advance(4);
        return octets.WrittenSpan.ToArray();
    }

    /// <summary>Throws <see cref="StoreDamageException"/> on anything that <see cref="Encode"/> does not make.</summary>
    internal static long[] Decode(ReadOnlySpan<byte> octets, int count)
    {
        if (octets.Length < count + 4 || Checksum.Of(octets[..^4], (uint)count) != BinaryPrimitives.ReadUInt32LittleEndian(octets[^4..]))
            throw new StoreDamageException("the list of messages of a segment of the search index");
        var ids = new long[count];
        var (at, last) = (0, 0L);
        for (var i = 0; i < count; i++) ids[i] = last += (long)Varint.Read(octets, ref at);
        return ids;
    }
}
