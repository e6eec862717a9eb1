using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Events;

/// <summary>The kinds of story events; frozen by a test, they are on disk.</summary>
public enum EventKind { Received = 1, Filed = 2, Queued = 3, Attempt = 4, Delivered = 5, Deferred = 6, Bounced = 7, Flagged = 8, Moved = 9, Deleted = 10, Held = 11, Refused = 12, Verdict = 13, Forwarded = 14, Notified = 15, Released = 16, Rerouted = 17, Dropped = 18, Retried = 19 }

/// <summary>One step of a message's story.</summary>
/// <param name="AccountId">The account it concerns, or 0.</param>
/// <param name="Detail">A small JSON object, see docs/events.md.</param>
public sealed record StoryEvent(long Id, TraceId Trace, DateTimeOffset At, EventKind Kind, long AccountId, string Detail);

public sealed class EventTable
{
    static readonly SqlText Insert = new("INSERT INTO events (trace, id, happened, kind, account_id, detail) VALUES ($1, $2, $3, $4, $5, $6)");
    static readonly SqlText ByTrace = new("SELECT id, trace, happened, kind, account_id, detail FROM events WHERE trace = $1 ORDER BY id");
    static readonly SqlText HighestTrace = new("SELECT MAX(trace) FROM events");
    static readonly SqlText HighestId = new("SELECT id FROM events WHERE trace = (SELECT MAX(trace) FROM events) ORDER BY id DESC LIMIT 1");

    readonly ReadUnit _unit;

    internal EventTable(ReadUnit unit) => _unit = unit;

    public void Add(TraceId trace, EventKind kind, long accountId, string detail) =>
        _unit.Session.Use(Insert).Bind(1, trace.Value).Bind(2, _unit.Writing.NextEventId()).Bind(3, _unit.Now)
            .Bind(4, (long)kind).Bind(5, accountId).Bind(6, detail).Run();

    /// <summary>The story of a message, in order.</summary>
    public IReadOnlyList<StoryEvent> Of(TraceId trace) =>
        _unit.Session.Use(ByTrace).Bind(1, trace.Value).All(static r =>
            new StoryEvent(r.Int64(0), new(r.Int64(1)), Times.FromMicroseconds(r.Int64(2)), (EventKind)r.Int64(3), r.Int64(4), r.Text(5)));

    /// <summary>An id that every id made from now on must exceed.</summary>
    internal long Highest() => Math.Max(_unit.Session.Use(HighestTrace).Scalar() ?? 0, _unit.Session.Use(HighestId).Scalar() ?? 0);
}
