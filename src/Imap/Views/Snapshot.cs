namespace Posthorn.Imap.Views;

/// <summary>
/// The messages of a mailbox at one moment, by UID, immutable: a session counts on it while others change the mailbox. Rows
/// are in chunks that two snapshots share as long as nothing in them changes.
/// </summary>
sealed class Snapshot
{
    /// <summary>Rows of a chunk when it is new: a change of one flag copies so many.</summary>
    internal const int ChunkSize = 256;

    readonly Row[][] _chunks;
    readonly int[] _starts; // the index of each chunk's first row, and the count

    /// <param name="chunks">Not empty, rows by UID.</param>
    /// <param name="keywords">What the rows' keyword numbers mean.</param>
    /// <param name="uidNext">Above every UID that was ever given.</param>
    /// <param name="highestModSeq">Not below any change that this snapshot has seen.</param>
    internal Snapshot(Row[][] chunks, KeywordSets keywords, uint uidNext, long highestModSeq)
    {
        (_chunks, Keywords, UidNext, HighestModSeq) = (chunks, keywords, uidNext, highestModSeq);
        _starts = new int[chunks.Length + 1];
        for (var i = 0; i < chunks.Length; i++) _starts[i + 1] = _starts[i] + chunks[i].Length;
    }

    internal int Count => _starts[^1];
    internal KeywordSets Keywords { get; }
    internal uint UidNext { get; }
    internal long HighestModSeq { get; }
    internal ReadOnlySpan<Row[]> Chunks => _chunks;

    /// <summary>The highest UID that is there; 0 when there is none.</summary>
    internal uint LastUid => Count == 0 ? 0 : _chunks[^1][^1].Uid;

    /// <summary>The row of an index, counted from 0.</summary>
    internal ref readonly Row Row(int index) => ref this[index];

    /// <inheritdoc cref="Row"/>
    internal ref readonly Row this[int index]
    {
        get
        {
            var chunk = ChunkAt(index);
            return ref _chunks[chunk][index - _starts[chunk]];
        }
    }

    /// <summary>The chunk that an index falls into. None has more rows than a new one, so it is at least <c>index / ChunkSize</c>, and mostly just that.</summary>
    int ChunkAt(int index)
    {
        int low = index / ChunkSize, high = _chunks.Length - 1;
        if (index < _starts[low + 1]) return low;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_starts[middle + 1] <= index) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The index of a UID, or -1.</summary>
    internal int IndexOf(uint uid)
    {
        var index = FirstFrom(uid);
        return index < Count && this[index].Uid == uid ? index : -1;
    }

    /// <summary>The index of the first row with this UID or a higher one; the count when there is none.</summary>
    internal int FirstFrom(uint uid)
    {
        var chunk = ChunkOf(_chunks, uid);
        return chunk == _chunks.Length ? Count : _starts[chunk] + RowFrom(_chunks[chunk], uid);
    }

    /// <summary>The first chunk whose last UID is not below <paramref name="uid"/>.</summary>
    internal static int ChunkOf(IReadOnlyList<Row[]> chunks, uint uid)
    {
        int low = 0, high = chunks.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (chunks[middle][^1].Uid < uid) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The place in a chunk of the first row that is not below <paramref name="uid"/>.</summary>
    internal static int RowFrom(ReadOnlySpan<Row> rows, uint uid)
    {
        int low = 0, high = rows.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (rows[middle].Uid < uid) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
