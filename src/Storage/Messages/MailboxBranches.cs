using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>
/// Mailboxes whose names begin alike, by a look at the names of one account and not at its rows. A range of names would be
/// less work still, but where a name sorts is the database's affair.
/// </summary>
sealed class MailboxBranches(ReadUnit unit, ChangeLog log)
{
    static readonly SqlText One = new("SELECT id FROM mailboxes WHERE account_id = $1 AND SUBSTR(name, 1, CAST($2 AS INTEGER)) = $3 LIMIT 1");
    static readonly SqlText All = new("SELECT id, name FROM mailboxes WHERE account_id = $1 AND SUBSTR(name, 1, CAST($2 AS INTEGER)) = $3 ORDER BY name");
    static readonly SqlText SetName = new("UPDATE mailboxes SET name = $1, uid_validity = $2, highest_modseq = $3, subscribed = $6 WHERE id = $4 AND account_id = $5");
    static readonly SqlText NextUidValidities = new("""
        UPDATE accounts SET uid_validity = $3 + CASE WHEN uid_validity >= $1 THEN uid_validity ELSE $1 - 1 END
        WHERE id = $2 RETURNING uid_validity
        """);

    internal bool Any(long accountId, string prefix) =>
        unit.Session.Use(One).Bind(1, accountId).Bind(2, Characters(prefix)).Bind(3, prefix).Scalar() is not null;

    internal IReadOnlyList<(long Id, string Name)> List(long accountId, string prefix) =>
        unit.Session.Use(All).Bind(1, accountId).Bind(2, Characters(prefix)).Bind(3, prefix).All(static r => (r.Int64(0), r.Text(1)));

    /// <summary>The numbers are taken at once. Subscriptions are to names, as in <see cref="MailboxTables.RenameMailbox"/>.</summary>
    internal void Rename(long accountId, IReadOnlyList<(long Id, string Name)> names)
    {
        if (names.Count == 0)
            return;
        var number = log.Take(accountId, names.Count);
        var validity = unit.Session.Use(NextUidValidities).Bind(1, unit.Time.GetUtcNow().ToUnixTimeSeconds()).Bind(2, accountId).Bind(3, (long)names.Count).Scalar()
            - names.Count + 1 ?? throw new StoreException($"there is no account {accountId}");
        foreach (var (id, name) in names)
        {
            if (unit.Mailboxes.Get(accountId, id) is { Subscribed: true } old)
                unit.Subscriptions.Add(accountId, old.Name);
            var subscribed = unit.Subscriptions.Remove(accountId, name) ? 1L : 0L;
            unit.Session.Use(SetName).Bind(1, name).Bind(2, validity++).Bind(3, number).Bind(4, id).Bind(5, accountId).Bind(6, subscribed).Run();
            log.Write(new Change(accountId, number++, ChangeKind.MailboxRenamed, id, 0, 0));
        }
    }

    /// <summary>The databases count characters, not UTF-16 units.</summary>
    static long Characters(string text) => text.EnumerateRunes().Count();
}
