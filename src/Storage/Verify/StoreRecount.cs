using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Verify;

/// <summary>Puts right what can be computed from rows: quota use, counts and sizes, open recipients, references of bodies.</summary>
public static class StoreRecount
{
    static readonly SqlText Accounts = new("""
        UPDATE accounts SET
          used = COALESCE((SELECT SUM(size) FROM messages WHERE id / 1099511627776 = accounts.id), 0),
          messages = (SELECT COUNT(*) FROM messages WHERE id / 1099511627776 = accounts.id)
        """);
    static readonly SqlText Mailboxes = new("""
        UPDATE mailboxes SET
          messages = (SELECT COUNT(*) FROM placements WHERE mailbox_id = mailboxes.id),
          unseen = COALESCE((SELECT SUM(1 - (flags & 1)) FROM placements WHERE mailbox_id = mailboxes.id), 0),
          size = COALESCE((SELECT SUM(size) FROM placements WHERE mailbox_id = mailboxes.id), 0)
        """);
    static readonly SqlText QueueOpen = new("""
        UPDATE queue_messages SET open = (SELECT COUNT(*) FROM queue_recipients r WHERE r.message_id = queue_messages.id AND r.state NOT IN (4, 5, 6))
        """);
    static readonly SqlText QueueFinished = new("""
        UPDATE queue_messages SET finished = CASE WHEN open = 0 THEN $1 END WHERE (finished IS NULL) = (open = 0)
        """);
    static readonly SqlText QueueDomains = new("""
        UPDATE queue_recipients SET domain = LOWER(SUBSTR(address, LENGTH(RTRIM(address, REPLACE(address, '@', ''))) + 1))
        WHERE domain <> LOWER(SUBSTR(address, LENGTH(RTRIM(address, REPLACE(address, '@', ''))) + 1))
        """);
    static readonly SqlText Bodies = new("""
        UPDATE blobs SET refs = COALESCE((SELECT c.n FROM
          (SELECT blob_id, COUNT(*) AS n FROM (SELECT blob_id FROM messages UNION ALL SELECT blob_id FROM queue_messages WHERE finished IS NULL) u GROUP BY blob_id) c
          WHERE c.blob_id = blobs.id), 0)
        """);
    static readonly SqlText Unneeded = new("DELETE FROM blobs WHERE refs = 0");

    /// <summary>Recounts all in one unit.</summary>
    public static async Task RunAsync(MailStore store, CancellationToken ct = default) => await store.WriteAsync(static u =>
    {
        u.Session.Use(Accounts).Run();
        u.Session.Use(Mailboxes).Run();
        u.Session.Use(QueueOpen).Run();
        u.Session.Use(QueueFinished).Bind(1, u.Now).Run();
        u.Session.Use(QueueDomains).Run();
        u.Session.Use(Bodies).Run();
        u.Session.Use(Unneeded).Run();
        return 0;
    }, ct);
}
