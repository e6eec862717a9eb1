using Posthorn.Storage;

namespace Posthorn.Imap.Session;

/// <summary>Reads messages of a mailbox in batches, for what asks for many of them: SORT and THREAD.</summary>
static class EnvelopeScan
{
    /// <summary>Messages whose rows are read together.</summary>
    const int Batch = 256;

    /// <summary>Shows the messages of some indices (ascending) that are still there; a source is valid during the call.</summary>
    /// <param name="references">True when the References field is asked for too; only messages whose row has it not are read.</param>
    /// <returns>Again and again how many are done; the work goes on when the next number is asked for.</returns>
    internal static IEnumerable<int> Run(ImapSession session, SelectedMailbox selected, IReadOnlyList<int> indices, bool references, Action<int, MessageSource> visit, CancellationToken ct)
    {
        for (var at = 0; at < indices.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            List<int> batch = [.. indices.Skip(at).Take(Batch)];
            foreach (var (index, source) in MessageBatch.Structures(session, selected, batch))
                if (source is not null)
                    using (source)
                        if (!references || source.TryReferences(out _, out _)) Visit(session, selected, index, source, visit);
                        else Read(session, selected, index, visit);
            yield return at + batch.Count;
        }
    }

    static void Read(ImapSession session, SelectedMailbox selected, int index, Action<int, MessageSource> visit)
    {
        foreach (var (_, source) in MessageBatch.Whole(session, selected, [index]))
            if (source is not null)
                using (source) Visit(session, selected, index, source, visit);
    }

    static void Visit(ImapSession session, SelectedMailbox selected, int index, MessageSource source, Action<int, MessageSource> visit)
    {
        try { visit(index, source); }
        catch (StoreDamageException e) { ImapLog.Damaged(session.Server.Log, source.MessageId, selected.AccountId, e.Message); }
    }
}
