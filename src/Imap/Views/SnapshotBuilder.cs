using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Views;

/// <summary>Makes a snapshot out of another one and what has changed; copies only the chunks that changes fall into.</summary>
sealed class SnapshotBuilder
{
    readonly List<Row[]> _chunks = [];
    readonly HashSet<int> _own = []; // chunks that no snapshot has yet
    readonly List<Row> _tail = [];
    readonly HashSet<uint> _gone = [];
    readonly KeywordSets _keywords;
    int _last = -1; // the own chunk that was changed last: changes come in the order of UIDs mostly
    uint _uidNext;
    long _highest;

    internal SnapshotBuilder(KeywordSets keywords, uint uidNext, long highestModSeq) => (_keywords, _uidNext, _highest) = (keywords, uidNext, highestModSeq);

    internal SnapshotBuilder(Snapshot from) : this(from.Keywords, from.UidNext, from.HighestModSeq)
    {
        foreach (var chunk in from.Chunks) _chunks.Add(chunk);
        // The last chunk is filled up, or each arrival would begin a chunk of its own.
        if (_chunks.Count == 0 || _chunks[^1].Length >= Snapshot.ChunkSize) return;
        _tail.AddRange(_chunks[^1]);
        _chunks.RemoveAt(_chunks.Count - 1);
    }

    /// <summary>Adds a row whose UID is above all others.</summary>
    internal void Append(in Row row)
    {
        _tail.Add(row);
        _uidNext = Math.Max(_uidNext, row.Uid + 1);
        Saw(row.ModSeq);
        if (_tail.Count == Snapshot.ChunkSize) EndTail();
    }

    /// <summary>Sets flags; false when the UID is not there.</summary>
    internal bool Flag(uint uid, MessageFlags flags, string? keywords, long modSeq)
    {
        ref var row = ref Find(uid);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref row)) return false;
        row.SetState(flags, _keywords.NumberOf(keywords));
        row.ModSeq = modSeq;
        return true;
    }

    /// <summary>Takes a message out.</summary>
    internal void Remove(uint uid) => _gone.Add(uid);

    /// <summary>Notes a change number; that of a change to the mailbox itself counts too (RFC 7162 §3.1.2.1).</summary>
    internal void Saw(long modSeq) => _highest = Math.Max(_highest, modSeq);

    ref Row Find(uint uid)
    {
        if (_last >= 0 && uid >= _chunks[_last][0].Uid && uid <= _chunks[_last][^1].Uid)
        {
            var i = Snapshot.RowFrom(_chunks[_last], uid);
            if (_chunks[_last][i].Uid == uid) return ref _chunks[_last][i];
        }
        else if (_tail.Count > 0 && uid >= _tail[0].Uid)
        {
            var rows = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tail);
            var i = Snapshot.RowFrom(rows, uid);
            if (i < rows.Length && rows[i].Uid == uid) return ref rows[i];
        }
        else
        {
            var chunk = Snapshot.ChunkOf(_chunks, uid);
            if (chunk < _chunks.Count)
            {
                var i = Snapshot.RowFrom(_chunks[chunk], uid);
                if (_chunks[chunk][i].Uid == uid)
                {
                    if (_own.Add(chunk)) _chunks[chunk] = [.. _chunks[chunk]];
                    _last = chunk;
                    return ref _chunks[chunk][i];
                }
            }
        }
        return ref System.Runtime.CompilerServices.Unsafe.NullRef<Row>();
    }

    void EndTail()
    {
        if (_tail.Count == 0) return;
        _own.Add(_chunks.Count);
        _chunks.Add([.. _tail]);
        _tail.Clear();
    }

    internal Snapshot Build()
    {
        EndTail();
        if (_gone.Count > 0)
        {
            var touched = new SortedSet<int>();
            foreach (var uid in _gone)
                if (Snapshot.ChunkOf(_chunks, uid) is var chunk && chunk < _chunks.Count) touched.Add(chunk);
            foreach (var chunk in touched.Reverse())
            {
                Row[] left = [.. _chunks[chunk].Where(r => !_gone.Contains(r.Uid))];
                if (left.Length == 0) _chunks.RemoveAt(chunk);
                else _chunks[chunk] = left;
            }
        }
        return new Snapshot([.. _chunks], _keywords, _uidNext, _highest);
    }
}
