using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Sharing;

/// <summary>The keys that URLs of messages are signed with (RFC 4467 §2): one for each account and mailbox.</summary>
public sealed class UrlKeyTable
{
    static readonly SqlText Read = new("SELECT secret FROM url_keys WHERE mailbox_id = $1 AND account_id = $2");
    static readonly SqlText Put = new("""
        INSERT INTO url_keys (mailbox_id, account_id, secret) VALUES ($1, $2, $3)
        ON CONFLICT (mailbox_id, account_id) DO UPDATE SET secret = excluded.secret
        """);
    static readonly SqlText Delete = new("DELETE FROM url_keys WHERE mailbox_id = $1 AND account_id = $2");
    static readonly SqlText DeleteMailbox = new("DELETE FROM url_keys WHERE mailbox_id = $1");
    static readonly SqlText DeleteAll = new("DELETE FROM url_keys WHERE account_id = $1");
    static readonly SqlText DeleteAccount = new("""
        DELETE FROM url_keys WHERE account_id = $1 OR mailbox_id IN (SELECT id FROM mailboxes WHERE account_id = $1)
        """);

    readonly ReadUnit _unit;

    internal UrlKeyTable(ReadUnit unit) => _unit = unit;

    /// <summary>Null when no URL was ever signed, or all were taken back.</summary>
    public byte[]? Find(long mailboxId, long accountId) => _unit.Session.Use(Read).Bind(1, mailboxId).Bind(2, accountId).One(static r => r.Bytes(0));

    public void Set(long mailboxId, long accountId, byte[] secret) =>
        _unit.Writing.Session.Use(Put).Bind(1, mailboxId).Bind(2, accountId).Bind(3, secret).Run();

    /// <summary>Takes back all URLs that an account has signed for a mailbox; with null for all mailboxes.</summary>
    public void Remove(long? mailboxId, long accountId)
    {
        if (mailboxId is { } one)
            _unit.Writing.Session.Use(Delete).Bind(1, one).Bind(2, accountId).Run();
        else
            _unit.Writing.Session.Use(DeleteAll).Bind(1, accountId).Run();
    }

    internal void RemoveMailbox(long mailboxId) => _unit.Session.Use(DeleteMailbox).Bind(1, mailboxId).Run();

    internal void RemoveAccount(long accountId) => _unit.Session.Use(DeleteAccount).Bind(1, accountId).Run();
}
