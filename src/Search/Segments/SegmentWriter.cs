using System.Buffers;
using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>Writes one segment: its messages first, then key by key, ascending.</summary>
sealed class SegmentWriter
{
    readonly IndexTables _tables;
    readonly ArrayBufferWriter<byte> _entries = new(SegmentPage.Full + 4096);
    readonly long _id;
    readonly int _all;
    int _firstKey, _lastKey;

    /// <param name="messages">Not empty.</param>
    internal SegmentWriter(IndexTables tables, long accountId, int level, ReadOnlySpan<long> messages)
    {
        (_tables, _all) = (tables, messages.Length);
        _id = tables.AddSegment(new IndexSegment(0, accountId, level, messages[0], messages[^1], messages.Length), MessageList.Encode(messages));
    }

    /// <param name="list">Messages counted from 0, ascending; a list without any is left out.</param>
    internal void Add(int key, ReadOnlySpan<int> list)
    {
        if (list.IsEmpty) return;
        if (_entries.WrittenCount >= SegmentPage.Full) Close(key);
        if (_entries.WrittenCount == 0) _firstKey = _lastKey = key;
        Varint.Write((uint)(key - _lastKey), _entries);
        _lastKey = key;
        Postings.Write(list, _all, _entries);
    }

    internal void Finish() => Close(SegmentPage.NoNext);

    void Close(int next)
    {
        if (_entries.WrittenCount == 0) return;
        _tables.AddPage(_id, _firstKey, SegmentPage.Seal(_id, _firstKey, next, _entries.WrittenSpan));
        _entries.ResetWrittenCount();
    }
}
