using Posthorn.Search.Segments;
using Posthorn.Search.Trigrams;
using Posthorn.Storage;
using Posthorn.Storage.Search;

namespace Posthorn.Search;

/// <summary>
/// Finds the messages whose text has all trigrams of some words. That the words are really there, and in the right place, only
/// the text can tell.
/// </summary>
static class IndexQuery
{
    /// <summary>Trigrams of a search that are looked up; of more, some in equal distances.</summary>
    const int MostKeys = 24;

    /// <summary>The trigrams to look up, ascending; none when all the words are shorter than three letters.</summary>
    internal static int[] Keys(ReadOnlySpan<string> words)
    {
        var set = new SortedSet<int>();
        foreach (var word in words)
        {
            var step = Math.Max(1, (word.Length - 2) / MostKeys);
            for (var i = 0; i + 3 <= word.Length; i += step)
                if (!word.AsSpan(i, 3).Contains('\n')) set.Add(Trigram.Key((ulong)word[i] << 32 | (ulong)word[i + 1] << 16 | word[i + 2]));
        }
        return [.. set];
    }

    /// <summary>Null when nothing is known of the account.</summary>
    internal static Narrowed? Run(IndexTables tables, long accountId, ReadOnlySpan<int> keys)
    {
        if (tables.Position(accountId) is not { } position) return null;
        var segments = tables.Segments(accountId);
        if (position.Seal != AccountSeal.Of(accountId, position.Last, segments)) throw new StoreDamageException($"the position of account {accountId} in the search index");
        var found = new List<long>();
        var (lists, hits) = (new List<Postings>(keys.Length), new List<int>());
        foreach (var segment in segments)
        {
            var reader = new SegmentReader(tables, segment);
            Intersect(reader, keys, lists, hits);
            if (hits.Count == 0) continue;
            var messages = reader.Messages();
            foreach (var hit in hits) found.Add(messages[hit]);
        }
        return new Narrowed(position.Last, found);
    }

    static void Intersect(SegmentReader reader, ReadOnlySpan<int> keys, List<Postings> lists, List<int> hits)
    {
        hits.Clear();
        lists.Clear();
        var always = reader.Find(Trigram.Always);
        foreach (var key in keys)
        {
            var list = reader.Find(key);
            if (list.Length(reader.Count) > 0) lists.Add(list);
            else
            {
                lists.Clear();
                break;
            }
        }
        if (lists.Count > 0)
        {
            lists.Sort((a, b) => a.Length(reader.Count).CompareTo(b.Length(reader.Count)));
            lists[0].CopyTo(hits, reader.Count);
            for (var i = 1; i < lists.Count && hits.Count > 0; i++) lists[i].Narrow(hits);
        }
        if (always.Length(reader.Count) == 0) return;
        always.CopyTo(hits, reader.Count);
        var all = hits.Distinct().Order().ToList();
        hits.Clear();
        hits.AddRange(all);
    }
}
