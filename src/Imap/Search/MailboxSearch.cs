using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;

namespace Posthorn.Imap.Search;

/// <summary>
/// Runs a search over the selected mailbox: first what the view and the index can tell, then the messages that they leave open
/// are read.
/// </summary>
static class MailboxSearch
{
    /// <summary>Messages whose rows are read together.</summary>
    const int Batch = 64;

    /// <summary>The indices of the messages that fit, ascending.</summary>
    internal static List<int> Run(ImapSession session, SelectedMailbox selected, SearchKey key, CancellationToken ct) =>
        Run(session, selected, key, Enumerable.Range(0, selected.Shown.Count), ct);

    /// <summary>Those of some messages, by index, that fit, ascending.</summary>
    internal static List<int> Run(ImapSession session, SelectedMailbox selected, SearchKey key, IEnumerable<int> among, CancellationToken ct)
    {
        var program = new SearchProgram(selected, session.Server.Time.GetUtcNow(), key, session.Server.Index);
        var (found, open) = (new List<int>(), new List<int>());
        foreach (var i in among)
        {
            var fits = program.Test(i, null);
            if (fits == true) found.Add(i);
            else if (fits is null) open.Add(i);
        }
        if (open.Count == 0) return found;
        for (var at = 0; at < open.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            Look(session, selected, program, open.GetRange(at, Math.Min(Batch, open.Count - at)), found);
        }
        found.Sort();
        return found;
    }

    static void Look(ImapSession session, SelectedMailbox selected, SearchProgram program, List<int> batch, List<int> found)
    {
        foreach (var (index, whole) in MessageBatch.Whole(session, selected, batch))
        {
            // A message that is gone meanwhile fits nothing.
            if (whole is null) continue;
            using var source = whole;
            try
            {
                if (program.Test(index, new SearchContent(source)) == true) found.Add(index);
            }
            catch (StoreDamageException e) { ImapLog.Damaged(session.Server.Log, source.MessageId, selected.AccountId, e.Message); }
        }
    }
}
