using System.Buffers;
using System.Buffers.Binary;
using Posthorn.Storage;

namespace Posthorn.Search.Segments;

/// <summary>
/// Some keys of a segment with their lists: the first key of the next page, then for each key its difference and its list, then
/// a checksum. By the next page's key a page that is missing shows.
/// </summary>
sealed class SegmentPage
{
    /// <summary>Octets after which a page is full; one list may go past it.</summary>
    internal const int Full = 12 << 10;

    /// <summary>What stands for the first key of the next page in the last one.</summary>
    internal const int NoNext = int.MaxValue;

    const int Head = 4, Tail = 4;

    readonly ReadOnlyMemory<byte> _entries;
    readonly int _all;

    SegmentPage(int firstKey, int next, ReadOnlyMemory<byte> entries, int all) => (FirstKey, Next, _entries, _all) = (firstKey, next, entries, all);

    internal int FirstKey { get; }

    /// <summary>The first key of the next page.</summary>
    internal int Next { get; }

    /// <summary>Opens a stored page; throws <see cref="StoreDamageException"/> when it is not what was written.</summary>
    /// <param name="all">Messages of the segment.</param>
    internal static SegmentPage Open(long segmentId, int firstKey, byte[] octets, int all)
    {
        if (octets.Length < Head + Tail || Seal(segmentId, firstKey, octets.AsSpan(..^Tail)) != BinaryPrimitives.ReadUInt32LittleEndian(octets.AsSpan(^Tail)))
            throw new StoreDamageException($"page {firstKey} of segment {segmentId} of the search index");
        return new SegmentPage(firstKey, BinaryPrimitives.ReadInt32LittleEndian(octets), octets.AsMemory(Head..^Tail), all);
    }

    /// <summary>Puts head and checksum around the entries.</summary>
    internal static byte[] Seal(long segmentId, int firstKey, int next, ReadOnlySpan<byte> entries)
    {
        var octets = new byte[Head + entries.Length + Tail];
        BinaryPrimitives.WriteInt32LittleEndian(octets, next);
        entries.CopyTo(octets.AsSpan(Head));
        BinaryPrimitives.WriteUInt32LittleEndian(octets.AsSpan(^Tail), Seal(segmentId, firstKey, octets.AsSpan(..^Tail)));
        return octets;
    }

    static uint Seal(long segmentId, int firstKey, ReadOnlySpan<byte> octets) => Checksum.Of(octets, Checksum.Of(segmentId << 23 | (uint)firstKey, 0));

    /// <summary>The list of a key; <see cref="Postings.None"/> when it has none.</summary>
    internal Postings Find(int key)
    {
        var reader = new Entries(this);
        while (reader.MoveNext())
            if (reader.Key >= key) return reader.Key == key ? reader.List : Postings.None;
        return Postings.None;
    }

    /// <summary>Goes through the keys, ascending.</summary>
    internal struct Entries(SegmentPage page)
    {
        int _at;

        internal int Key { get; private set; } = page.FirstKey;
        internal Postings List { get; private set; }

        internal bool MoveNext()
        {
            if (_at == page._entries.Length) return false;
            Key += (int)Varint.Read(page._entries.Span, ref _at);
            List = Postings.Read(page._entries, ref _at, page._all);
            return true;
        }
    }
}
