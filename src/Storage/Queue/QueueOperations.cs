using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>What an administrator asks and does. None of these touches a recipient that somebody works on.</summary>
public sealed partial class QueueTables
{
    static readonly SqlText MakeDue = new("UPDATE queue_recipients SET due = $2 WHERE id = $1 AND state = 1");
    static readonly SqlText PutOnHold = new("UPDATE queue_recipients SET state = 3 WHERE id = $1 AND state = 1");
    static readonly SqlText LetGo = new("UPDATE queue_recipients SET state = 1, due = $2 WHERE id = $1 AND state = 3");
    static readonly SqlText SendVia = new("UPDATE queue_recipients SET via = $2 WHERE id = $1 AND state IN (1, 3)");
    static readonly SqlText TakeOut = new("UPDATE queue_recipients SET state = 6, finished = $2 WHERE id = $1 AND state IN (1, 3)");
    static readonly SqlText ClaimAnyWaiting = new("""
        UPDATE queue_recipients SET state = 2, attempts = attempts + 1, lease_owner = $2, lease_generation = lease_generation + 1, lease_until = $3, due = $4
        WHERE id = $1 AND state IN (1, 3) RETURNING
        """ + LeaseColumns);

    // $1 … $9: the moments 5, 10, 20 … 1280 minutes ago.
    static readonly SqlText AgesByDomain = new("""
        SELECT r.domain, COUNT(*),
          COUNT(CASE WHEN m.received > $1 THEN 1 END),
          COUNT(CASE WHEN m.received <= $1 AND m.received > $2 THEN 1 END),
          COUNT(CASE WHEN m.received <= $2 AND m.received > $3 THEN 1 END),
          COUNT(CASE WHEN m.received <= $3 AND m.received > $4 THEN 1 END),
          COUNT(CASE WHEN m.received <= $4 AND m.received > $5 THEN 1 END),
          COUNT(CASE WHEN m.received <= $5 AND m.received > $6 THEN 1 END),
          COUNT(CASE WHEN m.received <= $6 AND m.received > $7 THEN 1 END),
          COUNT(CASE WHEN m.received <= $7 AND m.received > $8 THEN 1 END),
          COUNT(CASE WHEN m.received <= $8 AND m.received > $9 THEN 1 END),
          COUNT(CASE WHEN m.received <= $9 THEN 1 END)
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id
        WHERE r.state IN (1, 2, 3) GROUP BY r.domain ORDER BY 2 DESC, 1 LIMIT $10
        """);

    const int AgeSteps = 9;

    /// <summary>Recipients that fit, in the order of their rows, after the row <paramref name="after"/>.</summary>
    public IReadOnlyList<QueuedRecipient> List(QueueFilter filter, long after, int most) => QueueSelection.List(_unit.Session, filter, after, most);

    /// <summary>How long the open recipients of each domain wait; the domains with most first.</summary>
    public IReadOnlyList<QueueAges> Ages(DateTimeOffset now, int mostDomains)
    {
        var ask = _unit.Session.Use(AgesByDomain).Bind(AgeSteps + 1, (long)mostDomains);
        for (var step = 0; step < AgeSteps; step++)
            ask.Bind(step + 1, now.ToMicroseconds() - (5L << step) * TimeSpan.MicrosecondsPerMinute);
        return ask.All(static r =>
        {
            var ages = new long[AgeSteps + 1];
            for (var i = 0; i < ages.Length; i++)
                ages[i] = r.Int64(i + 2);
            return new QueueAges(r.Text(0), r.Int64(1), ages);
        });
    }

    /// <summary>Makes waiting recipients due now. Returns those it changed.</summary>
    public IReadOnlyList<QueuedRecipient> Retry(QueueFilter filter, int most)
    {
        var now = _unit.Now;
        return Each(filter, QueueStates.Due, new(DueBy: now), most, r => _unit.Session.Use(MakeDue).Bind(1, r.Id).Bind(2, now).Run() > 0
            ? r with { Due = Times.FromMicroseconds(now) } : null);
    }

    /// <summary>Puts waiting recipients on hold.</summary>
    public IReadOnlyList<QueuedRecipient> Hold(QueueFilter filter, int most) => Each(filter, QueueStates.Due, default, most,
        r => _unit.Session.Use(PutOnHold).Bind(1, r.Id).Run() > 0 ? r with { State = RecipientState.Held } : null);

    /// <summary>Lets held recipients go, due now.</summary>
    public IReadOnlyList<QueuedRecipient> Release(QueueFilter filter, int most)
    {
        var now = _unit.Now;
        return Each(filter, QueueStates.Held, default, most, r => _unit.Session.Use(LetGo).Bind(1, r.Id).Bind(2, now).Run() > 0
            ? r with { State = RecipientState.Due, Due = Times.FromMicroseconds(now) } : null);
    }

    /// <summary>
    /// Sends waiting recipients another way, whatever the routes say; null gives them back to the routes. Held ones stay held.
    /// Returns those that went another way before.
    /// </summary>
    public IReadOnlyList<QueuedRecipient> Reroute(QueueFilter filter, string? via, int most) => Each(filter, QueueStates.Waiting, new(Via: via ?? ""), most,
        r => _unit.Session.Use(SendVia).Bind(1, r.Id).Bind(2, via).Run() > 0 ? r with { Via = via } : null);

    /// <summary>Takes waiting recipients out; nobody is told.</summary>
    public IReadOnlyList<QueuedRecipient> Drop(QueueFilter filter, int most)
    {
        var now = _unit.Now;
        return Each(filter, QueueStates.Waiting, default, most, r =>
        {
            if (_unit.Session.Use(TakeOut).Bind(1, r.Id).Bind(2, now).Run() == 0)
                return null;
            Ended(r.MessageId);
            return r with { State = RecipientState.Dropped, Finished = Times.FromMicroseconds(now) };
        });
    }

    /// <summary>Claims waiting recipients so that they can be given up with a notice; counts as an attempt, as every claim does.</summary>
    public IReadOnlyList<LeasedRecipient> ClaimToBounce(QueueFilter filter, QueueLease lease, int most) =>
        Each(filter, QueueStates.Waiting, default, most, r => Claim(ClaimAnyWaiting, r.Id, lease));

    /// <summary>Applies a change to each that fits; one that somebody was faster with is passed over.</summary>
    List<T> Each<T>(QueueFilter filter, QueueStates states, Unlike unlike, int most, Func<QueuedRecipient, T?> change) where T : class
    {
        var changed = new List<T>();
        foreach (var row in QueueSelection.Some(_unit.Session, filter, states, unlike, most))
            if (change(row) is { } done)
                changed.Add(done);
        return changed;
    }
}
