namespace Posthorn.Storage.Events;

/// <summary>The kinds of story events; frozen by a test, they are on disk.</summary>
public enum EventKind { Received = 1, Filed = 2, Queued = 3, Attempt = 4, Delivered = 5, Deferred = 6, Bounced = 7, Flagged = 8, Moved = 9, Deleted = 10, Held = 11, Refused = 12, Verdict = 13, Forwarded = 14 }

/// <summary>One step of a message's story.</summary>
/// <param name="AccountId">The account it concerns, or 0.</param>
/// <param name="Detail">A small JSON object, see docs/events.md.</param>
public sealed record StoryEvent(long Id, TraceId Trace, DateTimeOffset At, EventKind Kind, long AccountId, string Detail);

public sealed class EventTable
{
    public void Add(TraceId trace, EventKind kind, long accountId, string detail) => throw new NotImplementedException();
    public IReadOnlyList<StoryEvent> Of(TraceId trace) => throw new NotImplementedException();
}
