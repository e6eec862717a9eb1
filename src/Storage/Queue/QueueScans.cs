namespace Posthorn.Storage.Queue;

/// <summary>What the scheduler asks.</summary>
public sealed partial class QueueTables
{
    /// <summary>
    /// Recipients whose time has come, in the order of due time and id, after <paramref name="after"/>. Costs a few index pages
    /// however long the queue is.
    /// </summary>
    /// <param name="fresh">True: only those never tried; false: only those tried before.</param>
    public IReadOnlyList<WaitingRecipient> Waiting(bool fresh, QueuePosition after, DateTimeOffset upTo, int most) => throw new NotImplementedException();

    /// <summary>The same for one domain.</summary>
    public IReadOnlyList<WaitingRecipient> WaitingFor(string domain, bool fresh, QueuePosition after, DateTimeOffset upTo, int most) => throw new NotImplementedException();

    /// <summary>When the next recipient after this moment falls due; null when none does.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset after) => throw new NotImplementedException();

    /// <summary>A queued message; null when there is none (any more).</summary>
    public QueuedMessage? Message(long id) => throw new NotImplementedException();

    /// <summary>Leased recipients of all owners but one, and those of it whose lease ended before <paramref name="now"/>.</summary>
    public IReadOnlyList<AbandonedRecipient> Abandoned(string exceptOwner, DateTimeOffset now, int most) => throw new NotImplementedException();

    /// <summary>The story ids of messages that came with this Message-ID or that have this address as sender or recipient, newest first.</summary>
    public IReadOnlyList<TraceId> Traces(string address, int most) => throw new NotImplementedException();
}
