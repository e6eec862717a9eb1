using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Session;

/// <summary>
/// What is noted while changes are told, and written behind them, where the session may wait: what the client wants to hear of
/// messages that came (RFC 5465 §5.2 and §7), all of one message in one FETCH, and flags where very many have changed.
/// </summary>
sealed class OwedNews
{
    readonly SortedDictionary<uint, List<FetchItem>> _owed = [];

    readonly List<uint> _flags = [];

    internal bool Any => _owed.Count > 0 || _flags.Count > 0;

    internal void Owe(uint uid, IReadOnlyList<FetchItem> items)
    {
        if (!_owed.TryGetValue(uid, out var there)) _owed.Add(uid, there = []);
        foreach (var item in items)
            if (!there.Contains(item)) there.Add(item);
    }

    /// <summary>Notes a message of which the flags are still to be told.</summary>
    internal void OweFlags(uint uid) => _flags.Add(uid);

    /// <summary>Writes what is owed. Nothing is marked as seen by it; a message that is gone is passed over.</summary>
    internal async ValueTask TellAsync(ImapSession session, SelectedMailbox selected)
    {
        foreach (var uid in _flags)
        {
            if (selected.Shown.IndexOf(uid) is >= 0 and var index) selected.TellFlags(index);
            if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
        }
        _flags.Clear();
        List<(int Index, List<FetchItem> Items)> all = [.. _owed.Select(o => (selected.Shown.IndexOf(o.Key), o.Value)).Where(static o => o.Item1 >= 0)];
        _owed.Clear();
        for (var i = 0; i < all.Count;)
        {
            var items = all[i].Items;
            var run = new List<int>();
            for (; i < all.Count && all[i].Items.SequenceEqual(items); i++) run.Add(all[i].Index);
            var plan = new FetchPlan(session, selected, new FetchArguments(SequenceSet.Saved, items, null, false, null), byUid: true);
            foreach (var (at, source) in plan.Load(run))
                if (source is not null)
                    using (source) await plan.WriteAsync(at, source).ConfigureAwait(false);
        }
    }
}
