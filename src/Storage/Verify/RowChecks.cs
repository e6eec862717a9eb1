using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Verify;

/// <summary>A question whose every row is a finding: column 0 names the thing, the others go into the text.</summary>
sealed record RowCheck(Severity Severity, string Kind, string Text, SqlText Query);

/// <summary>What must hold between rows, each as a query for the rows where it does not.</summary>
static class RowChecks
{
    internal static readonly IReadOnlyList<RowCheck> All =
    [
        new(Severity.Damage, "message", "needs body {1}, which has no row", new("""
            SELECT m.id, m.blob_id FROM messages m LEFT JOIN blobs b ON b.id = m.blob_id WHERE b.id IS NULL
            """)),
        new(Severity.Damage, "queued message", "needs body {1}, which has no row", new("""
            SELECT q.id, q.blob_id FROM queue_messages q LEFT JOIN blobs b ON b.id = q.blob_id WHERE q.finished IS NULL AND b.id IS NULL
            """)),
        new(Severity.Orphan, "body", "counts {1} references, {2} are there", new("""
            SELECT b.id, b.refs, COALESCE(c.n, 0) FROM blobs b
            LEFT JOIN (SELECT blob_id, COUNT(*) AS n FROM (SELECT blob_id FROM messages UNION ALL SELECT blob_id FROM queue_messages WHERE finished IS NULL) u GROUP BY blob_id) c
              ON c.blob_id = b.id
            WHERE b.refs <> COALESCE(c.n, 0)
            """)),
        new(Severity.Damage, "message", "its size {1} is not its prefix and body, {2}", new("""
            SELECT m.id, m.size, LENGTH(m.prefix) + b.length FROM messages m JOIN blobs b ON b.id = m.blob_id WHERE m.size <> LENGTH(m.prefix) + b.length
            """)),
        new(Severity.Damage, "placement", "UID {1} of mailbox {2} names a message that is not there", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p LEFT JOIN messages m ON m.id = p.message_id WHERE m.id IS NULL
            """)),
        new(Severity.Damage, "placement", "UID {1} lies in mailbox {2}, which is not there", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p LEFT JOIN mailboxes b ON b.id = p.mailbox_id WHERE b.id IS NULL
            """)),
        new(Severity.Damage, "placement", "UID {1} of mailbox {2} is a message of another account", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p JOIN mailboxes b ON b.id = p.mailbox_id
            WHERE p.message_id / 1099511627776 <> b.account_id
            """)),
        new(Severity.Damage, "placement", "UID {1} of mailbox {2} is not below the next UID", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p JOIN mailboxes b ON b.id = p.mailbox_id WHERE p.uid >= b.uid_next OR p.uid < 1
            """)),
        new(Severity.Damage, "placement", "size or date of UID {1} in mailbox {2} is not the message's", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p JOIN messages m ON m.id = p.message_id
            WHERE p.size <> m.size OR p.received <> m.received
            """)),
        new(Severity.Damage, "placement", "flags of UID {1} in mailbox {2} are not those of its other places", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p JOIN placements q ON q.message_id = p.message_id
            WHERE (p.flags | 8) <> (q.flags | 8) OR COALESCE(p.keywords, '') <> COALESCE(q.keywords, '')
            """)),
        new(Severity.Damage, "placement", "MODSEQ of UID {1} in mailbox {2} is not that of its last change", new("""
            SELECT p.message_id, p.uid, p.mailbox_id FROM placements p JOIN mailboxes b ON b.id = p.mailbox_id
            LEFT JOIN changes c ON c.account_id = b.account_id AND c.number = p.modseq
            WHERE c.number IS NULL OR c.mailbox_id <> p.mailbox_id OR c.uid <> p.uid OR c.message_id <> p.message_id OR p.modseq > b.highest_modseq
            """)),
        new(Severity.Orphan, "message", "is in no mailbox", new("""
            SELECT m.id FROM messages m LEFT JOIN placements p ON p.message_id = m.id WHERE p.message_id IS NULL
            """)),
        new(Severity.Damage, "mailbox", "belongs to account {1}, which is not there", new("""
            SELECT b.id, b.account_id FROM mailboxes b LEFT JOIN accounts a ON a.id = b.account_id WHERE a.id IS NULL
            """)),
        new(Severity.Orphan, "mailbox", "counts {1} messages, {2} unseen, {3} octets; there are {4}, {5}, {6}", new("""
            SELECT b.id, b.messages, b.unseen, b.size, COALESCE(c.n, 0), COALESCE(c.u, 0), COALESCE(c.s, 0) FROM mailboxes b
            LEFT JOIN (SELECT mailbox_id, COUNT(*) AS n, CAST(SUM(1 - (flags & 1)) AS BIGINT) AS u, CAST(SUM(size) AS BIGINT) AS s
                       FROM placements GROUP BY mailbox_id) c ON c.mailbox_id = b.id
            WHERE b.messages <> COALESCE(c.n, 0) OR b.unseen <> COALESCE(c.u, 0) OR b.size <> COALESCE(c.s, 0)
            """)),
        new(Severity.Damage, "mailbox", "its highest MODSEQ or UIDVALIDITY is above its account's counter", new("""
            SELECT b.id FROM mailboxes b JOIN accounts a ON a.id = b.account_id WHERE b.highest_modseq > a.change OR b.uid_validity > a.uid_validity
            """)),
        new(Severity.Orphan, "account", "counts {1} octets in {2} messages; there are {3} in {4}", new("""
            SELECT a.id, a.used, a.messages, COALESCE(c.s, 0), COALESCE(c.n, 0) FROM accounts a
            LEFT JOIN (SELECT id / 1099511627776 AS account, CAST(SUM(size) AS BIGINT) AS s, COUNT(*) AS n FROM messages GROUP BY id / 1099511627776) c
              ON c.account = a.id
            WHERE a.used <> COALESCE(c.s, 0) OR a.messages <> COALESCE(c.n, 0)
            """)),
        new(Severity.Damage, "message", "belongs to an account that is not there", new("""
            SELECT m.id FROM messages m LEFT JOIN accounts a ON a.id = m.id / 1099511627776 WHERE a.id IS NULL
            """)),
        new(Severity.Damage, "account", "its change log goes beyond its counter, to {1}", new("""
            SELECT a.id, MAX(c.number) FROM accounts a JOIN changes c ON c.account_id = a.id GROUP BY a.id, a.change HAVING MAX(c.number) > a.change
            """)),
        new(Severity.Damage, "account", "has no INBOX", new("""
            SELECT a.id FROM accounts a LEFT JOIN mailboxes b ON b.account_id = a.id AND b.name = 'INBOX' WHERE b.id IS NULL
            """)),
        new(Severity.Damage, "account", "belongs to domain {1}, which is not there", new("""
            SELECT a.id, a.domain_id FROM accounts a LEFT JOIN domains d ON d.id = a.domain_id WHERE d.id IS NULL
            """)),
        new(Severity.Damage, "domain", "is another name for domain {1}, which is not there", new("""
            SELECT d.id, d.alias_of FROM domains d LEFT JOIN domains o ON o.id = d.alias_of WHERE d.alias_of IS NOT NULL AND o.id IS NULL
            """)),
        new(Severity.Orphan, "app password", "belongs to account {1}, which is not there", new("""
            SELECT p.id, p.account_id FROM app_passwords p LEFT JOIN accounts a ON a.id = p.account_id WHERE a.id IS NULL
            """)),
        new(Severity.Orphan, "change log", "has rows of an account that is not there", new("""
            SELECT c.account_id FROM changes c LEFT JOIN accounts a ON a.id = c.account_id WHERE a.id IS NULL GROUP BY c.account_id
            """)),
        new(Severity.Damage, "change log", "row {1} is of an unknown kind, {2}", new("""
            SELECT account_id, number, kind FROM changes WHERE kind < 1 OR kind > 9
            """)),
        new(Severity.Damage, "queued recipient", "belongs to message {1}, which is not there", new("""
            SELECT r.id, r.message_id FROM queue_recipients r LEFT JOIN queue_messages q ON q.id = r.message_id WHERE q.id IS NULL
            """)),
        new(Severity.Damage, "queued recipient", "is in an unknown state, {1}", new("""
            SELECT id, state FROM queue_recipients WHERE state < 1 OR state > 6
            """)),
        new(Severity.Orphan, "queued message", "has no recipient", new("""
            SELECT q.id FROM queue_messages q LEFT JOIN queue_recipients r ON r.message_id = q.id WHERE r.id IS NULL
            """)),
        new(Severity.Orphan, "queued message", "counts {1} open recipients, {2} are there", new("""
            SELECT q.id, q.open, COALESCE(c.n, 0) FROM queue_messages q
            LEFT JOIN (SELECT message_id, COUNT(*) AS n FROM queue_recipients WHERE state NOT IN (4, 5, 6) GROUP BY message_id) c ON c.message_id = q.id
            WHERE q.open <> COALESCE(c.n, 0)
            """)),
        new(Severity.Damage, "queued message", "is finished, and {1} of its recipients are open", new("""
            SELECT q.id, COUNT(*) FROM queue_messages q JOIN queue_recipients r ON r.message_id = q.id
            WHERE q.finished IS NOT NULL AND r.state NOT IN (4, 5, 6) GROUP BY q.id
            """)),
        new(Severity.Orphan, "queued message", "has no open recipient, and is not finished", new("""
            SELECT q.id FROM queue_messages q
            WHERE q.finished IS NULL AND NOT EXISTS (SELECT 1 FROM queue_recipients r WHERE r.message_id = q.id AND r.state NOT IN (4, 5, 6))
            """)),
        new(Severity.Orphan, "queued recipient", "waits under a domain that is not its address's", new("""
            SELECT id FROM queue_recipients
            WHERE domain <> LOWER(SUBSTR(address, LENGTH(RTRIM(address, REPLACE(address, '@', ''))) + 1))
            """)),
        new(Severity.Damage, "queued recipient", "is leased, and its owner, attempts, generation ({1}) or end ({2}) cannot be", new("""
            SELECT id, lease_generation, COALESCE(lease_until, 0) FROM queue_recipients
            WHERE state = 2 AND (lease_owner IS NULL OR lease_until IS NULL OR lease_generation < 1 OR attempts < 1
              OR lease_until < 0 OR lease_until > 253402300799999999)
            """)),
        new(Severity.Damage, "queued recipient", "is due at {1} after {2} attempts, which cannot be", new("""
            SELECT id, due, attempts FROM queue_recipients WHERE due < 0 OR due > 253402300799999999 OR attempts < 0 OR attempts > 2147483647
            """)),
        new(Severity.Orphan, "queued recipient", "is in state {1}, which does not agree with the time of its end, {2}", new("""
            SELECT id, state, COALESCE(finished, 0) FROM queue_recipients
            WHERE (finished IS NULL AND state IN (4, 5, 6)) OR (finished IS NOT NULL AND state IN (1, 2, 3))
            """)),
        new(Severity.Orphan, "import", "belongs to account {1}, which is not there", new("""
            SELECT i.id, i.account_id FROM imports i LEFT JOIN accounts a ON a.id = i.account_id WHERE a.id IS NULL
            """)),
        new(Severity.Orphan, "import", "has messages, and is not there", new("""
            SELECT m.import_id FROM imported m LEFT JOIN imports i ON i.id = m.import_id WHERE i.id IS NULL GROUP BY m.import_id
            """)),
        new(Severity.Orphan, "archive", "belongs to account {1}, which is not there", new("""
            SELECT r.id, r.account_id FROM archives r LEFT JOIN accounts a ON a.id = r.account_id WHERE a.id IS NULL
            """)),
        new(Severity.Damage, "archive", "has format {1} or a time that cannot be", new("""
            SELECT id, format FROM archives WHERE format < 1 OR format > 2 OR every < 0 OR due < 0 OR due > 253402300799999999
            """)),
        new(Severity.Orphan, "archive", "has messages, and is not there", new("""
            SELECT m.archive_id FROM archived m LEFT JOIN archives r ON r.id = m.archive_id WHERE r.id IS NULL GROUP BY m.archive_id
            """)),
        new(Severity.Orphan, "retention", "belongs to account {1}, which is not there", new("""
            SELECT t.id, t.account_id FROM retentions t LEFT JOIN accounts a ON a.id = t.account_id WHERE a.id IS NULL
            """)),
        new(Severity.Orphan, "mailbox", "has rights of account {1}, and one of the two is not there", new("""
            SELECT r.mailbox_id, r.grantee_id FROM mailbox_rights r LEFT JOIN mailboxes b ON b.id = r.mailbox_id LEFT JOIN accounts a ON a.id = r.grantee_id
            WHERE b.id IS NULL OR (a.id IS NULL AND r.grantee_id <> 0)
            """)),
        new(Severity.Orphan, "mailbox", "has annotations of account {1}, and one of the two is not there", new("""
            SELECT n.mailbox_id, n.account_id FROM annotations n LEFT JOIN mailboxes b ON b.id = n.mailbox_id LEFT JOIN accounts a ON a.id = n.account_id
            WHERE (b.id IS NULL AND n.mailbox_id <> 0) OR (a.id IS NULL AND n.account_id <> 0) GROUP BY n.mailbox_id, n.account_id
            """)),
        new(Severity.Orphan, "mailbox", "has a key for URLs of account {1}, and one of the two is not there", new("""
            SELECT k.mailbox_id, k.account_id FROM url_keys k LEFT JOIN mailboxes b ON b.id = k.mailbox_id LEFT JOIN accounts a ON a.id = k.account_id
            WHERE b.id IS NULL OR a.id IS NULL
            """)),
        new(Severity.Damage, "event", "row {1} is of an unknown kind, {2}", new("""
            SELECT trace, id, kind FROM events WHERE kind < 1 OR kind > 19
            """)),
    ];
}
