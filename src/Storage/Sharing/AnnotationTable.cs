using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Sharing;

/// <summary>One annotation.</summary>
/// <param name="Name">In lower case, without its scope, e.g. "/comment".</param>
public sealed record Annotation(string Name, byte[] Value);

/// <summary>Annotations of mailboxes and of the server (RFC 5464): private ones of an account, and shared ones.</summary>
public sealed class AnnotationTable
{
    /// <summary>In place of a mailbox: the server. In place of an account: shared.</summary>
    public const long Server = 0, Shared = 0;

    static readonly SqlText Some = new("""
        SELECT name, value FROM annotations WHERE mailbox_id = $1 AND account_id = $2 ORDER BY name
        """);
    static readonly SqlText Put = new("""
        INSERT INTO annotations (mailbox_id, account_id, name, value) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailbox_id, account_id, name) DO UPDATE SET value = excluded.value
        """);
    static readonly SqlText Delete = new("DELETE FROM annotations WHERE mailbox_id = $1 AND account_id = $2 AND name = $3");
    static readonly SqlText CopyAll = new("""
        INSERT INTO annotations (mailbox_id, account_id, name, value) SELECT $1, account_id, name, value FROM annotations WHERE mailbox_id = $2
        """);
    static readonly SqlText DeleteMailbox = new("DELETE FROM annotations WHERE mailbox_id = $1");
    static readonly SqlText DeleteAccount = new("""
        DELETE FROM annotations WHERE account_id = $1 OR mailbox_id IN (SELECT id FROM mailboxes WHERE account_id = $1)
        """);

    readonly ReadUnit _unit;

    internal AnnotationTable(ReadUnit unit) => _unit = unit;

    /// <summary>All of one place and scope, by name.</summary>
    public IReadOnlyList<Annotation> List(long mailboxId, long accountId) =>
        _unit.Session.Use(Some).Bind(1, mailboxId).Bind(2, accountId).All(static r => new Annotation(r.Text(0), r.Bytes(1)));

    public void Set(long mailboxId, long accountId, string name, byte[] value) =>
        _unit.Writing.Session.Use(Put).Bind(1, mailboxId).Bind(2, accountId).Bind(3, name).Bind(4, value).Run();

    public void Remove(long mailboxId, long accountId, string name) =>
        _unit.Writing.Session.Use(Delete).Bind(1, mailboxId).Bind(2, accountId).Bind(3, name).Run();

    /// <summary>Gives a new mailbox the annotations of another one (RFC 5464 §4.1, RENAME of INBOX).</summary>
    public void Copy(long fromMailbox, long toMailbox) => _unit.Writing.Session.Use(CopyAll).Bind(1, toMailbox).Bind(2, fromMailbox).Run();

    internal void RemoveMailbox(long mailboxId) => _unit.Session.Use(DeleteMailbox).Bind(1, mailboxId).Run();

    internal void RemoveAccount(long accountId) => _unit.Session.Use(DeleteAccount).Bind(1, accountId).Run();
}
