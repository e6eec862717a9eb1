namespace Posthorn.Storage.Queue;

/// <summary>The state of a queued recipient; frozen by a test.</summary>
public enum RecipientState { Due = 1, Leased = 2, Held = 3, Delivered = 4, Failed = 5, Dropped = 6 }

/// <summary>A recipient to be queued.</summary>
/// <param name="Address">Where it goes.</param>
/// <param name="Original">What the sender wrote.</param>
public sealed record NewRecipient(string Address, string Original, string? Notify, string? OriginalRecipient, RecipientState State = RecipientState.Due);

/// <summary>A message to be queued for other hosts.</summary>
/// <param name="ReversePath">Empty for the null sender.</param>
/// <param name="Sender">The account that submitted it, or 0.</param>
public sealed record NewQueued(TraceId Trace, string ReversePath, BlobLocation Blob, byte[] Prefix, long Sender, string Body, bool SmtpUtf8, string? Return, string? EnvelopeId, DateTimeOffset Received, IReadOnlyList<NewRecipient> Recipients);

/// <summary>A queued recipient as listed.</summary>
public sealed record QueuedRecipient(long Id, TraceId Trace, string ReversePath, string Address, RecipientState State, DateTimeOffset Due, int Attempts, string LastReply, long Size, DateTimeOffset Received);

/// <summary>The queue: one row a message, one a recipient. Leasing and scheduling come with outbound delivery.</summary>
public sealed class QueueTables
{
    public long Add(NewQueued message) => throw new NotImplementedException();
    public IReadOnlyList<QueuedRecipient> List(int most = 1000) => throw new NotImplementedException();
    public (long Messages, long Recipients) Count() => throw new NotImplementedException();
}
