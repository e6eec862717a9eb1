using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>FETCH responses about messages that have come, with what the client wants to know of such (RFC 5465 §5.2, §7).</summary>
static class NewMessages
{
    /// <param name="wanted">By index, ascending. \Seen is never set by it.</param>
    internal static async ValueTask FetchAsync(ImapSession session, SelectedMailbox selected, SortedDictionary<int, IReadOnlyList<FetchItem>> wanted)
    {
        foreach (var group in wanted.GroupBy(static w => w.Value))
        {
            var plan = new FetchPlan(session, selected, new FetchArguments(SequenceSet.Saved, group.Key, null, false, null), byUid: true);
            foreach (var (index, source) in plan.Load([.. group.Select(static w => w.Key)]))
                if (source is not null)
                    using (source) await plan.WriteAsync(index, source).ConfigureAwait(false);
        }
    }
}
