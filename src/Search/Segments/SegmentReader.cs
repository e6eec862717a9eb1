using Posthorn.Storage;
using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>Reads one segment within a snapshot: single keys ascending, or all of them.</summary>
sealed class SegmentReader(IndexTables tables, IndexSegment segment)
{
    SegmentPage? _page;
    SegmentPage.Entries _entries;
    bool _begun;

    internal int Count => segment.Count;

    internal long[] Messages() => MessageList.Decode(tables.Messages(segment.Id), segment.Count);

    /// <summary>The list of a key.</summary>
    internal Postings Find(int key)
    {
        if (_page is null || key < _page.FirstKey || key >= _page.Next)
        {
            if (tables.PageFor(segment.Id, key) is not { } page) return Postings.None;
            _page = SegmentPage.Open(segment.Id, page.FirstKey, page.Octets, segment.Count);
            if (key >= _page.Next) throw Missing(key);
        }
        return _page.Find(key);
    }

    /// <summary>The key at which <see cref="MoveNext"/> stands.</summary>
    internal int Key => _entries.Key;

    internal Postings List => _entries.List;

    /// <summary>Goes through all keys, ascending.</summary>
    internal bool MoveNext()
    {
        while (_page is null || !_entries.MoveNext())
        {
            var next = _page?.Next ?? 0;
            if (next == SegmentPage.NoNext) return false;
            if (tables.NextPage(segment.Id, next) is not { } page)
            {
                // A segment whose messages say nothing has no page at all.
                if (!_begun) return false;
                throw Missing(next);
            }
            if (_begun && page.FirstKey != next) throw Missing(next);
            _begun = true;
            _page = SegmentPage.Open(segment.Id, page.FirstKey, page.Octets, segment.Count);
            _entries = new SegmentPage.Entries(_page);
        }
        return true;
    }

    StoreDamageException Missing(int key) => new($"the page for key {key} of segment {segment.Id} of the search index is missing");
}
