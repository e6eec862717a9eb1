using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>
/// Which messages belong together (RFC 8474 §5.2, RFC 8621 §3). A message gets its thread when it comes and keeps it; the thread
/// has the id of the message that began it.
/// </summary>
public sealed class ThreadTable
{
    static readonly SqlText Find = new("SELECT thread_id FROM thread_links WHERE account_id = $1 AND link = $2");
    static readonly SqlText Put = new("""
        INSERT INTO thread_links (account_id, link, thread_id, message_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, link) DO UPDATE SET message_id = excluded.message_id RETURNING thread_id
        """);
    static readonly SqlText OfMessage = new("SELECT thread_id FROM messages WHERE id = $1");
    static readonly SqlText Members = new("""
        SELECT id FROM messages WHERE id = $1 AND thread_id = id UNION ALL SELECT id FROM messages WHERE thread_id = $1 AND thread_id <> id
        """);
    static readonly SqlText Open = new("SELECT thread_next, thread_end FROM accounts WHERE id = $1");
    static readonly SqlText AllOpen = new("SELECT id, thread_next FROM accounts WHERE thread_next < thread_end ORDER BY id");
    static readonly SqlText SetThread = new("UPDATE messages SET thread_id = $1 WHERE id = $2");
    static readonly SqlText SetNext = new("UPDATE accounts SET thread_next = $1 WHERE id = $2");
    static readonly SqlText Unneeded = new("""
        SELECT t.account_id, t.link, t.message_id FROM thread_links t LEFT JOIN messages m ON m.id = t.message_id WHERE m.id IS NULL LIMIT $1
        """);
    static readonly SqlText Drop = new("DELETE FROM thread_links WHERE account_id = $1 AND link = $2 AND message_id = $3");
    static readonly SqlText DropAll = new("DELETE FROM thread_links WHERE account_id = $1");

    readonly ReadUnit _unit;

    internal ThreadTable(ReadUnit unit) => _unit = unit;

    /// <summary>
    /// The thread of a message that comes, which is now known by its links. The nearest message that it refers to decides, then
    /// those that have come before the one they refer to.
    /// </summary>
    /// <param name="links">Its own first (Posthorn.Mime.Threads.ThreadLinks); none for a message that stands alone.</param>
    internal long Join(long accountId, long messageId, IReadOnlyList<long> links)
    {
        if (links.Count == 0) return messageId;
        var thread = messageId;
        for (var i = 1; i < links.Count && thread == messageId; i++)
            thread = _unit.Session.Use(Find).Bind(1, accountId).Bind(2, links[i]).Scalar() ?? messageId;
        var known = _unit.Session.Use(Put).Bind(1, accountId).Bind(2, links[0]).Bind(3, thread).Bind(4, messageId).Scalar() ?? thread;
        if (thread == messageId) thread = known;
        for (var i = 1; i < links.Count; i++) _unit.Session.Use(Put).Bind(1, accountId).Bind(2, links[i]).Bind(3, thread).Bind(4, messageId).Scalar();
        return thread;
    }

    /// <summary>The thread of a message; null when it is gone.</summary>
    public long? Of(long messageId) => _unit.Session.Use(OfMessage).Bind(1, messageId).Scalar();

    /// <summary>The messages of a thread.</summary>
    public IReadOnlyList<long> Messages(long threadId) => _unit.Session.Use(Members).Bind(1, threadId).All(static r => r.Int64(0));

    /// <summary>Message ids of an account, from the first to below the second, whose threads are not known yet: they came before there were any.</summary>
    public (long From, long Below) Unknown(long accountId)
    {
        using var row = _unit.Session.Use(Open).Bind(1, accountId);
        return row.Step() && row.Int64(0) < row.Int64(1) ? (row.Int64(0), row.Int64(1)) : (0, 0);
    }

    /// <summary>The accounts that have such messages, each with the id that it goes on from.</summary>
    public IReadOnlyList<(long AccountId, long From)> Unfinished() => _unit.Session.Use(AllOpen).All(static r => (r.Int64(0), r.Int64(1)));

    /// <summary>Gives a message that came before there were threads its thread.</summary>
    public void Thread(long accountId, long messageId, IReadOnlyList<long> links) =>
        _unit.Writing.Session.Use(SetThread).Bind(1, Join(accountId, messageId, links)).Bind(2, messageId).Run();

    /// <summary>Notes that all messages of an account below an id have their threads.</summary>
    public void SetUnknown(long accountId, long from) => _unit.Writing.Session.Use(SetNext).Bind(1, from).Bind(2, accountId).Run();

    /// <summary>Links of messages that are gone, at most so many.</summary>
    public IReadOnlyList<(long AccountId, long Link, long MessageId)> Loose(int most) =>
        _unit.Session.Use(Unneeded).Bind(1, (long)most).All(static r => (r.Int64(0), r.Int64(1), r.Int64(2)));

    /// <summary>Forgets links of messages that are gone, unless another message has taken them over meanwhile.</summary>
    public void Forget(IReadOnlyList<(long AccountId, long Link, long MessageId)> links)
    {
        foreach (var (account, link, message) in links) _unit.Writing.Session.Use(Drop).Bind(1, account).Bind(2, link).Bind(3, message).Run();
    }

    internal void RemoveAccount(long accountId) => _unit.Session.Use(DropAll).Bind(1, accountId).Run();
}
