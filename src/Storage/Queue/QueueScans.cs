using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>What the scheduler asks. Each of its scans has a partial index of its own, which the condition on state and attempts names.</summary>
public sealed partial class QueueTables
{
    const string WaitingRows = """
        SELECT r.id, r.message_id, r.address, r.domain, m.reverse_path, r.due, r.attempts, r.via
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id
        WHERE r.state = 1 AND
        """;

    internal static readonly SqlText WaitingFresh = new(WaitingRows + " r.attempts = 0 AND (r.due, r.id) > ($1, $2) AND r.due <= $3 ORDER BY r.due, r.id LIMIT $4");
    internal static readonly SqlText WaitingTried = new(WaitingRows + " r.attempts > 0 AND (r.due, r.id) > ($1, $2) AND r.due <= $3 ORDER BY r.due, r.id LIMIT $4");
    internal static readonly SqlText DomainFresh = new(WaitingRows + " r.attempts = 0 AND r.domain = $5 AND (r.due, r.id) > ($1, $2) AND r.due <= $3 ORDER BY r.due, r.id LIMIT $4");
    internal static readonly SqlText DomainTried = new(WaitingRows + " r.attempts > 0 AND r.domain = $5 AND (r.due, r.id) > ($1, $2) AND r.due <= $3 ORDER BY r.due, r.id LIMIT $4");

    // Nothing falls due after the last of all times: to wait for a damaged row's time would be to ask for ever.
    internal static readonly SqlText NextDueTime = new("""
        SELECT MIN(due) FROM (
          SELECT MIN(due) AS due FROM queue_recipients WHERE state = 1 AND attempts = 0 AND due > $1 AND due < $2
          UNION ALL SELECT MIN(due) AS due FROM queue_recipients WHERE state = 1 AND attempts > 0 AND due > $1 AND due < $2) next
        """);
    static readonly SqlText OpenMessage = new("""
        SELECT m.id, m.trace, m.reverse_path, m.prefix, m.sender, m.body, m.smtp_utf8, m.return_part, m.envelope_id, m.size, m.received, m.trust,
          m.blob_id, b.pack, b.start, b.length, b.hash
        FROM queue_messages m LEFT JOIN blobs b ON b.id = m.blob_id WHERE m.id = $1 AND m.finished IS NULL
        """);

    // A number where text is: no time, so no lease. $1 one's own name, $2 the node's part of it with its slash, or nothing.
    internal static readonly SqlText WithoutOwner = new("""
        SELECT r.id, r.message_id, r.address, r.original, r.notify, r.original_recipient, r.attempts, COALESCE(r.lease_owner, ''), r.lease_generation,
          r.delay_told, r.via, m.trace, COALESCE(r.lease_until, 0), r.due
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id
        WHERE r.state = 2 AND (COALESCE(CAST(r.lease_until AS BIGINT), 0) <= $3 OR r.lease_owner IS NULL
          OR ($2 <> '' AND r.lease_owner <> $1 AND SUBSTR(r.lease_owner, 1, LENGTH($2)) = $2))
        ORDER BY r.id LIMIT $4
        """);

    /// <summary>
    /// Recipients whose time has come, in the order of due time and id, after <paramref name="after"/>. Costs a few index pages
    /// however long the queue is.
    /// </summary>
    /// <param name="fresh">True: only those never tried; false: only those tried before.</param>
    public IReadOnlyList<WaitingRecipient> Waiting(bool fresh, QueuePosition after, DateTimeOffset upTo, int most) =>
        Range(fresh ? WaitingFresh : WaitingTried, after, upTo, most).All(Waiter);

    /// <summary>The same for one domain.</summary>
    public IReadOnlyList<WaitingRecipient> WaitingFor(string domain, bool fresh, QueuePosition after, DateTimeOffset upTo, int most) =>
        Range(fresh ? DomainFresh : DomainTried, after, upTo, most).Bind(5, Lower(domain)).All(Waiter);

    ISqlStatement Range(SqlText query, QueuePosition after, DateTimeOffset upTo, int most) =>
        _unit.Session.Use(query).Bind(1, Before(after.Due)).Bind(2, after.Id).Bind(3, upTo.ToMicroseconds()).Bind(4, (long)most);

    /// <summary>The least of all times stands for all that lies before it, which no sound row does: a scan begins with those too.</summary>
    static long Before(DateTimeOffset due) => due == DateTimeOffset.MinValue ? long.MinValue : due.ToMicroseconds();

    static WaitingRecipient Waiter(ISqlStatement r) =>
        new(r.Int64(0), r.Int64(1), r.Text(2), r.Text(3), r.Text(4), Times.FromMicroseconds(r.Int64(5)), Attempts(r.Int64(6)), r.TextOrNull(7));

    /// <summary>Never throws, like <see cref="Times.FromMicroseconds"/>.</summary>
    internal static int Attempts(long attempts) => (int)Math.Clamp(attempts, 0, int.MaxValue);

    /// <summary>When the next recipient after this moment falls due; null when none does.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset after) =>
        _unit.Session.Use(NextDueTime).Bind(1, after.ToMicroseconds()).Bind(2, DateTimeOffset.MaxValue.ToMicroseconds()).Scalar() is { } due ? Times.FromMicroseconds(due) : null;

    /// <summary>A queued message; null when there is none (any more). One whose body has no row has a body that cannot be read.</summary>
    public QueuedMessage? Message(long id) => _unit.Session.Use(OpenMessage).Bind(1, id).One(static r =>
    {
        var prefix = r.Bytes(3);
        var blob = r.Int64OrNull(13) is null
            ? new BlobLocation(r.Int64(12), 0, 0, r.Int64(9) - prefix.Length, new byte[32])
            : new BlobLocation(r.Int64(12), (int)r.Int64(13), r.Int64(14), r.Int64(15), r.Bytes(16));
        return new QueuedMessage(r.Int64(0), new(r.Int64(1)), r.Text(2), blob, prefix, r.Int64(4), r.Text(5), r.Int64(6) != 0,
            r.TextOrNull(7), r.TextOrNull(8), r.Int64(9), Times.FromMicroseconds(r.Int64(10)), Trusted(r.Int64(11)));
    });

    /// <summary>A number that is no trust counts as none.</summary>
    static SenderTrust Trusted(long trust) => trust switch { 1 => SenderTrust.Proven, 2 => SenderTrust.Failed, _ => SenderTrust.Unproven };

    /// <summary>
    /// Leased recipients that nobody works on any more, at most so many: those whose lease ended before <paramref name="now"/>,
    /// and those of other runs of the same node (an owner is "node/run"), whatever their lease says: a node has one process.
    /// </summary>
    public IReadOnlyList<AbandonedRecipient> Abandoned(string exceptOwner, DateTimeOffset now, int most) =>
        _unit.Session.Use(WithoutOwner).Bind(1, exceptOwner).Bind(2, exceptOwner[..(exceptOwner.LastIndexOf('/') + 1)])
            .Bind(3, now.ToMicroseconds()).Bind(4, (long)most)
            .All(static r => new AbandonedRecipient(Lease(r), new(r.Int64(11)), Times.FromMicroseconds(r.Int64(12)), Times.FromMicroseconds(r.Int64(13))));
}
