using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>What an administrator asks and does. None of these touches a recipient that somebody works on.</summary>
public sealed partial class QueueTables
{
    /// <summary>Recipients that fit, in the order of their rows, after the row <paramref name="after"/>.</summary>
    public IReadOnlyList<QueuedRecipient> List(QueueFilter filter, long after, int most) =>
        _unit.Session.Use(ListAll).Bind(1, (long)most).All(static r => new QueuedRecipient(r.Int64(0), r.Int64(1), new(r.Int64(2)), r.Text(3), r.Text(4), r.Text(5),
            (RecipientState)r.Int64(6), Times.FromMicroseconds(r.Int64(7)), (int)r.Int64(8), r.Text(9), r.Int64(10), Times.FromMicroseconds(r.Int64(11)), null, null));

    static readonly SqlText ListAll = new("""
        SELECT r.id, m.id, m.trace, m.reverse_path, r.address, r.original, r.state, r.due, r.attempts, r.last_reply, m.size, m.received
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id ORDER BY r.due, r.id LIMIT $1
        """);

    /// <summary>How long the open recipients of each domain wait; the domains with most first.</summary>
    public IReadOnlyList<QueueAges> Ages(DateTimeOffset now, int mostDomains) => throw new NotImplementedException();

    /// <summary>Makes waiting recipients due now. Returns those it changed.</summary>
    public IReadOnlyList<QueuedRecipient> Retry(QueueFilter filter, int most) => throw new NotImplementedException();

    /// <summary>Puts waiting recipients on hold.</summary>
    public IReadOnlyList<QueuedRecipient> Hold(QueueFilter filter, int most) => throw new NotImplementedException();

    /// <summary>Lets held recipients go, due now.</summary>
    public IReadOnlyList<QueuedRecipient> Release(QueueFilter filter, int most) => throw new NotImplementedException();

    /// <summary>Sends waiting recipients another way, whatever the routes say; null gives them back to the routes. Held ones stay held.</summary>
    public IReadOnlyList<QueuedRecipient> Reroute(QueueFilter filter, string? via, int most) => throw new NotImplementedException();

    /// <summary>Takes waiting recipients out; nobody is told.</summary>
    public IReadOnlyList<QueuedRecipient> Drop(QueueFilter filter, int most) => throw new NotImplementedException();

    /// <summary>Claims waiting recipients so that they can be given up with a notice.</summary>
    public IReadOnlyList<LeasedRecipient> ClaimToBounce(QueueFilter filter, QueueLease lease, int most) => throw new NotImplementedException();
}
