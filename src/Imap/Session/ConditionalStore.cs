using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>
/// STORE with UNCHANGEDSINCE (RFC 7162 §3.1.3) on messages that have one change number for all their flags: one that others
/// changed is refused only where a flag that the client names is not what the client knew (§3.1.12).
/// </summary>
static class ConditionalStore
{
    /// <summary>Changes flags; what comes back is as if it had been one change.</summary>
    /// <param name="uids">In ascending order.</param>
    /// <param name="named">The flags that the client names.</param>
    /// <param name="known">The mailbox as the client knew it when it sent the command.</param>
    /// <param name="now">As it is told to the client by now.</param>
    internal static FlagResult Run(WriteUnit unit, SelectedMailbox selected, IReadOnlyCollection<uint> uids, FlagChange change, FlagList named, Snapshot known, Snapshot now)
    {
        var result = unit.Mailboxes.SetFlags(selected.AccountId, selected.MailboxId, uids, change);
        if (change.Replace || change.UnchangedSince is not { } since || result.Refused.Count == 0) return result;
        var changed = new SortedDictionary<uint, long>();
        for (var i = 0; i < result.Changed.Count; i++) changed.Add(result.Changed[i], result.Former[i]);
        var (first, last) = (result.First, result.Last);
        var refused = new List<uint>();
        foreach (var uid in result.Refused)
        {
            var (before, at) = (known.IndexOf(uid), now.IndexOf(uid));
            if (before < 0 || at < 0 || known[before].ModSeq > since || !AreSame(known, before, now, at, named))
            {
                refused.Add(uid);
                continue;
            }
            // By the number that was compared, so that a change which nobody has seen here yet still refuses it.
            var one = unit.Mailboxes.SetFlags(selected.AccountId, selected.MailboxId, [uid], change with { UnchangedSince = now[at].ModSeq });
            refused.AddRange(one.Refused);
            if (one.Changed.Count == 0) continue;
            changed.Add(uid, one.Former[0]);
            (first, last) = (first == 0 ? one.First : first, one.Last);
        }
        return new FlagResult(first, last, [.. changed.Keys], refused) { Former = [.. changed.Values] };
    }

    static bool AreSame(Snapshot known, int before, Snapshot now, int at, FlagList named) =>
        ((known[before].Flags ^ now[at].Flags) & named.System) == 0
        && named.Keywords.All(k => known.Keywords.Has(known[before].Keywords, k) == now.Keywords.Has(now[at].Keywords, k));
}
