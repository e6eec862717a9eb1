using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>What a JMAP <c>/changes</c> call answers, ascending ids.</summary>
/// <param name="State">The new state.</param>
/// <param name="OnlyCounts">Mailboxes: nothing but counts changed in the updated ones (RFC 8621 §2.2, updatedProperties).</param>
public sealed record ObjectChanges(long State, IReadOnlyList<long> Created, IReadOnlyList<long> Updated, IReadOnlyList<long> Destroyed, bool OnlyCounts);

/// <summary>
/// The account's one counter and its typed rows. Every change takes a number of its own, so a number is at once a MODSEQ
/// (IMAP), a state (JMAP) and a place in the log.
/// </summary>
sealed class ChangeLog(ReadUnit unit)
{
    static readonly SqlText TakeNumbers = new("UPDATE accounts SET change = change + $1 WHERE id = $2 RETURNING change");
    static readonly SqlText Insert = new("INSERT INTO changes (account_id, number, kind, mailbox_id, uid, message_id) VALUES ($1, $2, $3, $4, $5, $6)");
    static readonly SqlText After = new("""
        SELECT number, kind, mailbox_id, uid, message_id FROM changes WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3
        """);
    static readonly SqlText VanishedUids = new("""
        SELECT uid FROM changes WHERE account_id = $1 AND number > $2 AND mailbox_id = $3 AND kind = 3 ORDER BY uid
        """);
    static readonly SqlText MessageExists = new("SELECT 1 FROM messages WHERE id = $1");
    static readonly SqlText MailboxExists = new("SELECT 1 FROM mailboxes WHERE id = $1");

    /// <summary>Takes numbers and returns the first; the account's row is locked till commit, so no two nodes get the same.</summary>
    internal long Take(long accountId, int count) =>
        unit.Session.Use(TakeNumbers).Bind(1, (long)count).Bind(2, accountId).Scalar() is { } last
            ? last - count + 1
            : throw new StoreException($"there is no account {accountId}");

    internal void Write(Change change)
    {
        unit.Session.Use(Insert).Bind(1, change.AccountId).Bind(2, change.Number).Bind(3, (long)change.Kind).Bind(4, change.MailboxId)
            .Bind(5, (long)change.Uid).Bind(6, change.MessageId).Run();
        unit.Writing.Note(change);
    }

    internal List<Change> Since(long accountId, long number, int most)
    {
        var changes = new List<Change>();
        using var row = unit.Session.Use(After).Bind(1, accountId).Bind(2, number).Bind(3, (long)most);
        while (row.Step())
            changes.Add(new(accountId, row.Int64(0), (ChangeKind)row.Int64(1), row.Int64(2), (uint)row.Int64(3), row.Int64(4)));
        return changes;
    }

    internal List<uint> Vanished(long accountId, long mailboxId, long number) =>
        unit.Session.Use(VanishedUids).Bind(1, accountId).Bind(2, number).Bind(3, mailboxId).All(static r => (uint)r.Int64(0));

    internal ObjectChanges Emails(long accountId, long number, long state)
    {
        var touched = new SortedSet<long>();
        foreach (var change in Since(accountId, number, int.MaxValue))
            if (change.MessageId != 0)
                touched.Add(change.MessageId);
        // A message's id carries the number of its arrival: whether the caller knew it needs no look-up.
        return Sort(touched, id => MessageIds.NumberOf(id) > number, MessageExists, state, false);
    }

    internal ObjectChanges Mailboxes(long accountId, long number, long state)
    {
        var touched = new SortedSet<long>();
        var created = new HashSet<long>();
        var onlyCounts = true;
        foreach (var change in Since(accountId, number, int.MaxValue))
        {
            if (change.MailboxId == 0)
                continue;
            touched.Add(change.MailboxId);
            if (change.Kind == ChangeKind.MailboxCreated)
                created.Add(change.MailboxId);
            onlyCounts &= change.Kind is ChangeKind.Arrived or ChangeKind.Flags or ChangeKind.Expunged or ChangeKind.Placed;
        }
        return Sort(touched, created.Contains, MailboxExists, state, onlyCounts && touched.Count > 0);
    }

    ObjectChanges Sort(SortedSet<long> touched, Func<long, bool> isNew, SqlText exists, long state, bool onlyCounts)
    {
        var (created, updated, destroyed) = (new List<long>(), new List<long>(), new List<long>());
        foreach (var id in touched)
        {
            var there = unit.Session.Use(exists).Bind(1, id).Scalar() is not null;
            // Made and gone again since: the caller never hears of it.
            if (there)
                (isNew(id) ? created : updated).Add(id);
            else if (!isNew(id))
                destroyed.Add(id);
        }
        return new(state, created, updated, destroyed, onlyCounts);
    }
}
