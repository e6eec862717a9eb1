using System.Text;
using Posthorn.Imap.Extensions.Sort;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Extensions.Context;

/// <summary>A sorted result that is kept: its order, and its messages in it.</summary>
sealed record SortedResult(SortOrder Order, List<SortEntry> Entries);

/// <summary>The searches of a selected mailbox whose results the client wants to be told of (RFC 5267 §4.3).</summary>
sealed class SearchContexts(ImapSession session)
{
    /// <summary>Contexts at a time: each change is tested against all.</summary>
    const int Most = 16;

    readonly List<SearchContext> _all = [];

    /// <summary>Begins to watch what the command at hand has found; says so when there are too many already.</summary>
    /// <param name="found">Indices, in the order of the result.</param>
    /// <param name="sorted">Null for a result in mailbox order.</param>
    /// <param name="news">What to tell of messages that come into the result.</param>
    internal static void Add(ImapSession session, SearchKey key, bool byUid, List<int> found, SortedResult? sorted, IReadOnlyList<FetchItem> news)
    {
        var selected = session.Selected!;
        var contexts = selected.Contexts ??= new SearchContexts(session);
        var tag = session.Tag.ToArray();
        if (contexts._all.Count == Most)
            session.Untagged("NO"u8, $"NOUPDATE \"{Encoding.ASCII.GetString(tag)}\"", "too many searches are watched");
        else contexts._all.Add(new SearchContext(session, tag, Fixed(selected, key), byUid, [.. found.Select(i => selected.Shown[i].Uid)], sorted, news));
    }

    /// <summary>True when a search of this tag is watched: another one must not have it (RFC 5267 §4.3).</summary>
    internal bool Has(ReadOnlySpan<byte> tag)
    {
        foreach (var context in _all)
            if (tag.SequenceEqual(context.Tag.Span)) return true;
        return false;
    }

    internal void Cancel(string tag) => _all.RemoveAll(c => Encoding.ASCII.GetString(c.Tag.Span) == tag);

    /// <summary>Before EXPUNGE, while the numbers are those of before (RFC 5267 §4.3.4).</summary>
    internal void BeforeGone(Snapshot shown, List<int> gone)
    {
        if (gone.Count == 0) return;
        foreach (var context in _all) context.Remove(shown, gone);
    }

    /// <summary>After EXISTS and FETCH: messages that have come or changed may belong to a result now, or not any more.</summary>
    internal void After(List<int> changed, int arrived)
    {
        if (_all.Count == 0 || changed.Count == 0 && arrived == 0) return;
        var shown = session.Selected!.Shown;
        List<int> touched = [.. changed];
        for (var i = shown.Count - arrived; i < shown.Count; i++)
            if (touched.Count == 0 || touched[^1] < i) touched.Add(i);
        foreach (var context in _all) context.Test(touched, shown.Count - arrived);
    }

    /// <summary>RFC 5267 §4.3: numbers, and "$", mean what they meant when the command came.</summary>
    static SearchKey Fixed(SelectedMailbox selected, SearchKey key) => key switch
    {
        SearchKey.Numbers numbers => new SearchKey.Uids(SequenceSet.Of([.. Picker.Pick(selected, numbers.Set, byUid: false).Uids(selected.Shown)])),
        SearchKey.Uids { Set.IsSaved: true } => new SearchKey.Uids(SequenceSet.Of([.. selected.Saved])),
        SearchKey.And and => new SearchKey.And([.. and.Keys.Select(k => Fixed(selected, k))]),
        SearchKey.Or or => new SearchKey.Or(Fixed(selected, or.Left), Fixed(selected, or.Right)),
        SearchKey.Not not => new SearchKey.Not(Fixed(selected, not.Key)),
        SearchKey.Fuzzy fuzzy => new SearchKey.Fuzzy(Fixed(selected, fuzzy.Key)),
        _ => key,
    };
}

/// <summary>One such search, and its result as the client knows it.</summary>
sealed class SearchContext(ImapSession session, byte[] tag, SearchKey key, bool byUid, HashSet<uint> found, SortedResult? sorted, IReadOnlyList<FetchItem> news)
{
    internal ReadOnlyMemory<byte> Tag => tag;

    /// <summary>Takes out messages, by index, whose numbers the client still has.</summary>
    internal void Remove(Snapshot shown, List<int> indices)
    {
        List<int> ours = indices.FindAll(i => found.Remove(shown[i].Uid));
        if (ours.Count == 0) return;
        if (sorted is null) Tell("REMOVEFROM"u8, [(0, Set(shown, ours))]);
        else
        {
            var gone = ours.ToDictionary(i => shown[i].Uid);
            var pairs = new List<(int, SequenceSet)>();
            for (var at = 0; at < sorted.Entries.Count;)
            {
                var run = new List<int>();
                while (at + run.Count < sorted.Entries.Count && gone.TryGetValue(sorted.Entries[at + run.Count].Uid, out var index)) run.Add(index);
                if (run.Count == 0) at++;
                else
                {
                    pairs.Add((at + 1, Set(shown, run)));
                    sorted.Entries.RemoveRange(at, run.Count);
                }
            }
            Tell("REMOVEFROM"u8, pairs);
        }
    }

    /// <summary>Tests messages, by index, and tells what has changed in the result.</summary>
    /// <param name="arrived">The index from which they are new.</param>
    internal void Test(List<int> indices, int arrived)
    {
        var selected = session.Selected!;
        var shown = selected.Shown;
        var fits = MailboxSearch.Run(session, selected, key, indices, CancellationToken.None).ToHashSet();
        Remove(shown, indices.FindAll(i => !fits.Contains(i)));
        List<int> come = indices.FindAll(i => fits.Contains(i) && found.Add(shown[i].Uid));
        if (come.Count == 0) return;
        if (sorted is null) Tell("ADDTO"u8, [(0, Set(shown, come))]);
        else Tell("ADDTO"u8, Inserted(selected, come));
        // RFC 5465 §7: not for messages that were there, and now fit.
        if (news.Count > 0)
            foreach (var index in come)
                if (index >= arrived) selected.Owe(shown[index].Uid, news);
    }

    List<(int, SequenceSet)> Inserted(SelectedMailbox selected, List<int> come)
    {
        var runs = new List<(int At, List<int> Run)>();
        foreach (var entry in sorted!.Order.Sort(session, selected, come, CancellationToken.None))
        {
            var at = ~sorted.Entries.BinarySearch(entry, sorted.Order);
            sorted.Entries.Insert(at, entry);
            var index = selected.Shown.IndexOf(entry.Uid);
            // Those that follow each other go in as one (RFC 5267 §4.3.3).
            if (runs.Count > 0 && runs[^1].At + runs[^1].Run.Count == at) runs[^1].Run.Add(index);
            else runs.Add((at, [index]));
        }
        return runs.ConvertAll(r => (r.At + 1, Set(selected.Shown, r.Run)));
    }

    SequenceSet Set(Snapshot shown, List<int> indices) => SequenceSet.Of([.. indices.Select(i => byUid ? shown[i].Uid : (uint)i + 1)]);

    void Tell(ReadOnlySpan<byte> what, List<(int At, SequenceSet Set)> pairs)
    {
        var output = session.Out;
        output.Raw("* ESEARCH (TAG "u8);
        output.String(tag);
        output.Raw(byUid ? ") UID "u8 : ") "u8);
        output.Raw(what);
        for (var i = 0; i < pairs.Count; i++)
        {
            output.Raw(i == 0 ? " ("u8 : " "u8);
            output.Number(pairs[i].At);
            output.SP();
            output.Set(pairs[i].Set);
        }
        output.Raw(")\r\n"u8);
    }
}
