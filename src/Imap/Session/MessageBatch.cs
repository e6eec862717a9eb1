using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>Rows of several messages, by one read of the store each time. Null stands for a message that is gone.</summary>
static class MessageBatch
{
    /// <summary>Past this share of messages that nobody asked for, single rows are read instead of a range.</summary>
    const int MostUnwanted = 4;

    /// <summary>Messages whose structures are enough; those of old rows, which have none, come whole.</summary>
    /// <param name="indices">Ascending, of what the client knows.</param>
    internal static IEnumerable<(int Index, MessageSource? Source)> Structures(ImapSession session, SelectedMailbox selected, List<int> indices)
    {
        if (indices[^1] - indices[0] >= indices.Count * MostUnwanted)
        {
            foreach (var one in Whole(session, selected, indices)) yield return one;
            yield break;
        }
        var shown = selected.Shown;
        var (first, last) = (shown[indices[0]].Uid, shown[indices[^1]].Uid);
        var structures = session.Store.Read(unit => unit.Places.Structures(selected.MailboxId, first, last));
        var at = 0;
        foreach (var index in indices)
        {
            var uid = shown[index].Uid;
            while (at < structures.Count && structures[at].Uid < uid) at++;
            if (at == structures.Count || structures[at].Uid != uid) yield return (index, null);
            else if (structures[at].Structure.Length > 0) yield return (index, new MessageSource(session.Store, structures[at]));
            else foreach (var whole in Whole(session, selected, [index])) yield return whole;
        }
    }

    /// <summary>Messages whose bodies may be read.</summary>
    internal static IEnumerable<(int Index, MessageSource? Source)> Whole(ImapSession session, SelectedMailbox selected, List<int> indices)
    {
        var shown = selected.Shown;
        var ids = new long[indices.Count];
        for (var i = 0; i < ids.Length; i++) ids[i] = shown[indices[i]].MessageId;
        IReadOnlyList<StoredMessage> rows = session.Store.Read(unit => unit.Mailboxes.Load(selected.AccountId, ids));
        var at = 0;
        foreach (var index in indices)
            yield return (index, at < rows.Count && rows[at].MessageId == shown[index].MessageId ? new MessageSource(session.Store, rows[at++]) : null);
    }
}
