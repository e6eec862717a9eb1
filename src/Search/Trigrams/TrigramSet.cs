namespace Posthorn.Search.Trigrams;

/// <summary>The different trigrams of one message, bounded. Used again for the next one.</summary>
sealed class TrigramSet
{
    /// <summary>Different trigrams of a message that are kept; a book in one language has some 15,000.</summary>
    internal const int Most = 1 << 16;

    readonly ulong[] _seen = new ulong[Trigram.Keys / 64];
    int[] _keys = new int[4096];

    internal int Count { get; private set; }

    /// <summary>True when there were more than are kept: the set is of no use then.</summary>
    internal bool Full => Count == Most;

    /// <summary>In the order in which they came.</summary>
    internal ReadOnlySpan<int> Keys => _keys.AsSpan(0, Count);

    /// <summary>Adds the trigrams of a folded text; none spans a line end.</summary>
    internal void Add(ReadOnlySpan<char> text)
    {
        var (units, length) = (0UL, 0);
        foreach (var c in text)
        {
            if (c == '\n')
            {
                length = 0;
                continue;
            }
            units = (units << 16 | c) & Trigram.Window;
            if (++length < 3) continue;
            var key = Trigram.Key(units);
            ref var word = ref _seen[key >> 6];
            var bit = 1UL << key;
            if ((word & bit) != 0) continue;
            if (Full) return;
            word |= bit;
            if (Count == _keys.Length) Array.Resize(ref _keys, _keys.Length * 2);
            _keys[Count++] = key;
        }
    }

    internal void Clear()
    {
        foreach (var key in Keys) _seen[key >> 6] = 0;
        Count = 0;
    }
}
