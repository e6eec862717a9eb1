using Posthorn.Imap.Views;
using Posthorn.Storage;

namespace Posthorn.Imap.Session;

/// <summary>Reads messages of a mailbox in batches, for what asks for many of them: SORT and THREAD.</summary>
static class EnvelopeScan
{
    /// <summary>Messages whose rows are read together.</summary>
    const int Batch = 128;

    /// <summary>Past this share of messages that nobody asked for, single rows are read instead of a range.</summary>
    const int MostUnwanted = 4;

    /// <summary>Shows the messages of some indices (ascending) that are still there; a source is valid during the call.</summary>
    /// <param name="bodies">True when more than the envelope is asked for.</param>
    internal static void Run(ImapSession session, SelectedMailbox selected, IReadOnlyList<int> indices, bool bodies, Action<int, MessageSource> visit, CancellationToken ct)
    {
        var shown = selected.Shown;
        for (var at = 0; at < indices.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            var end = Math.Min(at + Batch, indices.Count);
            if (!bodies && indices[end - 1] - indices[at] < (end - at) * MostUnwanted) Range(session, selected, shown, indices, at, end, visit);
            else Rows(session, selected, shown, indices, at, end, visit);
        }
    }

    static void Range(ImapSession session, SelectedMailbox selected, Snapshot shown, IReadOnlyList<int> indices, int at, int end, Action<int, MessageSource> visit)
    {
        var (first, last) = (shown[indices[at]].Uid, shown[indices[end - 1]].Uid);
        var structures = session.Store.Read(unit => unit.Places.Structures(selected.MailboxId, first, last));
        var s = 0;
        for (; at < end; at++)
        {
            var uid = shown[indices[at]].Uid;
            while (s < structures.Count && structures[s].Uid < uid) s++;
            if (s == structures.Count || structures[s].Uid != uid) continue;
            // A row of the first version has no envelope; its body tells.
            if (structures[s].Structure.Length == 0) Rows(session, selected, shown, indices, at, at + 1, visit);
            else
                using (var source = new MessageSource(session.Store, structures[s])) visit(indices[at], source);
        }
    }

    static void Rows(ImapSession session, SelectedMailbox selected, Snapshot shown, IReadOnlyList<int> indices, int at, int end, Action<int, MessageSource> visit)
    {
        var ids = new long[end - at];
        for (var i = 0; i < ids.Length; i++) ids[i] = shown[indices[at + i]].MessageId;
        var rows = session.Store.Read(unit => unit.Mailboxes.Load(selected.AccountId, ids));
        var r = 0;
        for (; at < end && r < rows.Count; at++)
        {
            if (rows[r].MessageId != shown[indices[at]].MessageId) continue;
            using var source = new MessageSource(session.Store, rows[r++]);
            try { visit(indices[at], source); }
            catch (StoreDamageException e) { ImapLog.Damaged(session.Server.Log, source.MessageId, selected.AccountId, e.Message); }
        }
    }
}
