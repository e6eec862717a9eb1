using Posthorn.Storage.Messages;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Sharing;

/// <summary>A mailbox of somebody else that an account has rights to.</summary>
/// <param name="Owner">The owner's address.</param>
/// <param name="Rights">Letters (RFC 4314 §2.1), those given to the account and those given to anyone; some may stand twice.</param>
public sealed record SharedMailbox(Mailbox Mailbox, string Owner, string Rights);

/// <summary>Who else may do what with a mailbox (RFC 4314). The owner may do all, which no row says.</summary>
public sealed class RightsTable
{
    /// <summary>The grantee that is everybody who has logged in.</summary>
    public const long Anyone = 0;

    static readonly SqlText OfMailbox = new("SELECT grantee_id, rights FROM mailbox_rights WHERE mailbox_id = $1 ORDER BY grantee_id");
    static readonly SqlText ForGrantee = new("SELECT rights FROM mailbox_rights WHERE mailbox_id = $1 AND grantee_id IN ($2, 0)");
    static readonly SqlText SharedWith = new("""
        SELECT r.mailbox_id, m.account_id, a.local_part, d.name, r.rights
        FROM mailbox_rights r JOIN mailboxes m ON m.id = r.mailbox_id JOIN accounts a ON a.id = m.account_id JOIN domains d ON d.id = a.domain_id
        WHERE r.grantee_id IN ($1, 0) AND m.account_id <> $1 ORDER BY r.mailbox_id
        """);
    static readonly SqlText Put = new("""
        INSERT INTO mailbox_rights (mailbox_id, grantee_id, rights) VALUES ($1, $2, $3)
        ON CONFLICT (mailbox_id, grantee_id) DO UPDATE SET rights = excluded.rights
        """);
    static readonly SqlText Delete = new("DELETE FROM mailbox_rights WHERE mailbox_id = $1 AND grantee_id = $2");
    static readonly SqlText DeleteMailbox = new("DELETE FROM mailbox_rights WHERE mailbox_id = $1");
    static readonly SqlText DeleteAccount = new("""
        DELETE FROM mailbox_rights WHERE grantee_id = $1 OR mailbox_id IN (SELECT id FROM mailboxes WHERE account_id = $1)
        """);
    static readonly SqlText AddressOf = new("SELECT a.local_part, d.name FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = $1");
    static readonly SqlText AccountOf = new("""
        SELECT a.id FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.local_part = $1 AND d.name = $2 AND a.enabled = 1
        """);

    readonly ReadUnit _unit;

    internal RightsTable(ReadUnit unit) => _unit = unit;

    /// <summary>All that was granted for a mailbox.</summary>
    public IReadOnlyList<(long Grantee, string Rights)> List(long mailboxId) =>
        _unit.Session.Use(OfMailbox).Bind(1, mailboxId).All(static r => (r.Int64(0), r.Text(1)));

    /// <summary>The letters that hold for an account that is not the owner; empty for none.</summary>
    public string Of(long mailboxId, long accountId) =>
        string.Concat(_unit.Session.Use(ForGrantee).Bind(1, mailboxId).Bind(2, accountId).All(static r => r.Text(0)));

    /// <summary>The mailboxes of others that an account has any rights to.</summary>
    public IReadOnlyList<SharedMailbox> With(long accountId)
    {
        var rows = _unit.Session.Use(SharedWith).Bind(1, accountId)
            .All(static r => (Id: r.Int64(0), Account: r.Int64(1), Owner: $"{r.Text(2)}@{r.Text(3)}", Rights: r.Text(4)));
        return [.. rows.GroupBy(static r => r.Id).Select(g => _unit.Mailboxes.Get(g.First().Account, g.Key) is { } mailbox
            ? new SharedMailbox(mailbox, g.First().Owner, string.Concat(g.Select(static r => r.Rights))) : null).OfType<SharedMailbox>()];
    }

    /// <summary>Grants rights in place of those before; an empty text takes all.</summary>
    public void Set(long mailboxId, long grantee, string rights)
    {
        if (rights.Length == 0)
            _unit.Writing.Session.Use(Delete).Bind(1, mailboxId).Bind(2, grantee).Run();
        else
            _unit.Writing.Session.Use(Put).Bind(1, mailboxId).Bind(2, grantee).Bind(3, rights).Run();
    }

    /// <summary>The main address of an account; null when there is none.</summary>
    public string? Address(long accountId) => _unit.Session.Use(AddressOf).Bind(1, accountId).One(static r => $"{r.Text(0)}@{r.Text(1)}");

    /// <summary>The enabled account of a main address; null when there is none.</summary>
    public long? Account(string address)
    {
        var at = address.LastIndexOf('@');
        return at < 0 ? null : _unit.Session.Use(AccountOf).Bind(1, address[..at]).Bind(2, address[(at + 1)..].ToLowerInvariant()).Scalar();
    }

    internal void RemoveMailbox(long mailboxId) => _unit.Session.Use(DeleteMailbox).Bind(1, mailboxId).Run();

    /// <summary>Removes what was granted to an account and for its mailboxes, which are still there.</summary>
    internal void RemoveAccount(long accountId) => _unit.Session.Use(DeleteAccount).Bind(1, accountId).Run();
}
