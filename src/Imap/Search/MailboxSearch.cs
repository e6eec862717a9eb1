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

    /// <summary>The indices of the messages that fit, ascending; tells how far it is.</summary>
    /// <param name="among">Those to look at, by index, ascending; null for all.</param>
    internal static async ValueTask<List<int>> RunAsync(ImapSession session, SelectedMailbox selected, SearchKey key, CancellationToken ct, IReadOnlyList<int>? among = null)
    {
        var (found, open, program) = Sift(session, selected, key, among ?? Enumerable.Range(0, selected.Shown.Count));
        foreach (var done in Read(session, selected, program, open, found, ct)) await session.Progress.TellAsync(done, open.Count).ConfigureAwait(false);
        return found;
    }

    /// <summary>Those of a few messages, by index, that fit, ascending.</summary>
    internal static List<int> Run(ImapSession session, SelectedMailbox selected, SearchKey key, IEnumerable<int> among, CancellationToken ct)
    {
        var (found, open, program) = Sift(session, selected, key, among);
        _ = Read(session, selected, program, open, found, ct).Count();
        return found;
    }

    /// <summary>Parts the messages into those that fit, and those that have to be read before anybody knows.</summary>
    static (List<int> Found, List<int> Open, SearchProgram Program) Sift(ImapSession session, SelectedMailbox selected, SearchKey key, IEnumerable<int> among)
    {
        var program = new SearchProgram(selected, session.Server.Time.GetUtcNow(), key, session.Server.Index);
        var (found, open) = (new List<int>(), new List<int>());
        foreach (var i in among)
        {
            var fits = program.Test(i, null);
            if (fits == true) found.Add(i);
            else if (fits is null) open.Add(i);
        }
        return (found, open, program);
    }

    /// <summary>Reads messages and adds those that fit; returns again and again how many are read.</summary>
    static IEnumerable<int> Read(ImapSession session, SelectedMailbox selected, SearchProgram program, List<int> open, List<int> found, CancellationToken ct)
    {
        for (var at = 0; at < open.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            var n = Math.Min(Batch, open.Count - at);
            Look(session, selected, program, open.GetRange(at, n), found);
            yield return at + n;
        }
        if (open.Count > 0) found.Sort();
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
