using Posthorn.Search.Trigrams;
using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>Gathers messages of one account in memory and makes them one segment. Used again for the next ones.</summary>
sealed class SegmentBuilder
{
    /// <summary>Messages of one segment before it is merged.</summary>
    internal const int MostMessages = 256;

    /// <summary>Keys of all messages together after which there are enough: 16 MB in memory.</summary>
    const int MostEntries = 1 << 20;

    /// <summary>Bits of a key that are sorted at once.</summary>
    const int Digit = 11;

    readonly List<long> _messages = [];
    readonly List<int> _list = [];
    readonly int[] _starts = new int[1 << Digit];
    ulong[] _entries = new ulong[1 << 14], _sorted = new ulong[1 << 14]; // the key above, the message below
    int _count;

    internal int Count => _messages.Count;

    internal bool Full => Count == MostMessages || _count >= MostEntries;

    internal long Last => _messages[^1];

    /// <summary>Adds a message with an id above the others'.</summary>
    /// <param name="keys">Null when it is to be read at every search.</param>
    internal void Add(long messageId, TrigramSet? keys)
    {
        ReadOnlySpan<int> all = keys is null ? [Trigram.Always] : keys.Keys;
        while (_count + all.Length > _entries.Length)
        {
            Array.Resize(ref _entries, _entries.Length * 2);
            _sorted = new ulong[_entries.Length];
        }
        foreach (var key in all) _entries[_count++] = (ulong)(uint)key << 32 | (uint)_messages.Count;
        _messages.Add(messageId);
    }

    /// <summary>Writes the segment and is empty then.</summary>
    internal void Write(IndexTables tables, long accountId)
    {
        // Two stable passes sort the 22 bits of the keys; the messages stay in order.
        Sort(_entries, _sorted, 32);
        Sort(_sorted, _entries, 32 + Digit);
        var writer = new SegmentWriter(tables, accountId, MergePolicy.LevelOf(Count), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_messages));
        for (var i = 0; i < _count;)
        {
            var key = (int)(_entries[i] >> 32);
            _list.Clear();
            for (; i < _count && (int)(_entries[i] >> 32) == key; i++) _list.Add((int)_entries[i]);
            writer.Add(key, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_list));
        }
        writer.Finish();
        Clear();
    }

    internal void Clear()
    {
        _messages.Clear();
        _count = 0;
    }

    void Sort(ulong[] from, ulong[] to, int shift)
    {
        Array.Clear(_starts);
        const ulong mask = (1 << Digit) - 1;
        foreach (var entry in from.AsSpan(0, _count)) _starts[(int)(entry >> shift & mask)]++;
        for (int i = 0, at = 0; i < _starts.Length; i++) (at, _starts[i]) = (at + _starts[i], at);
        foreach (var entry in from.AsSpan(0, _count)) to[_starts[(int)(entry >> shift & mask)]++] = entry;
    }
}
