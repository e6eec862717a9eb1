namespace Posthorn.Storage.Queue;

/// <summary>The state of a queued recipient; frozen by a test.</summary>
public enum RecipientState
{
    /// <summary>Waits for its time.</summary>
    Due = 1,

    /// <summary>Somebody works on it.</summary>
    Leased = 2,

    /// <summary>Waits until somebody releases it.</summary>
    Held = 3,

    Delivered = 4,
    Failed = 5,
    Dropped = 6,
}

/// <summary>Whether a reverse-path can be believed, which decides what is told to it; frozen by a test.</summary>
public enum SenderTrust
{
    /// <summary>Nothing was checked: failures are told (RFC 5321 §6.1), delays and successes are not.</summary>
    Unproven = 0,

    /// <summary>A login, a trusted network, LMTP, or ourselves.</summary>
    Proven = 1,

    /// <summary>A check of the sender failed: nothing is told.</summary>
    Failed = 2,
}

/// <summary>A claim on recipients: who works on them, until when it holds unless renewed, and when they are due again should he die.</summary>
/// <param name="Owner">Names one run of one process.</param>
public sealed record QueueLease(string Owner, DateTimeOffset Until, DateTimeOffset RetryAt);

/// <summary>A recipient to be queued.</summary>
/// <param name="Address">Where it goes.</param>
/// <param name="Original">What the sender wrote.</param>
/// <param name="State">Due, Held, or Leased (its first attempt is recorded with it; the message then has a lease).</param>
/// <param name="Via">A transport that no route overrides, as text; null for the routes.</param>
public sealed record NewRecipient(string Address, string Original, string? Notify, string? OriginalRecipient, RecipientState State = RecipientState.Due, string? Via = null);

/// <summary>A message to be queued for other hosts.</summary>
/// <param name="ReversePath">Empty for the null sender.</param>
/// <param name="Sender">The account that submitted it, or 0.</param>
/// <param name="Lease">The lease of those recipients that are queued as Leased.</param>
public sealed record NewQueued(TraceId Trace, string ReversePath, BlobLocation Blob, byte[] Prefix, long Sender, string Body, bool SmtpUtf8, string? Return, string? EnvelopeId, DateTimeOffset Received, IReadOnlyList<NewRecipient> Recipients,
    SenderTrust Trust = SenderTrust.Unproven, QueueLease? Lease = null);

/// <summary>A queued message: all but its recipients.</summary>
/// <param name="Prefix">Header lines of this hop; they go before the body.</param>
/// <param name="Size">Of prefix and body, octets.</param>
/// <param name="Body">7BIT, 8BITMIME or BINARYMIME.</param>
public sealed record QueuedMessage(long Id, TraceId Trace, string ReversePath, BlobLocation Blob, byte[] Prefix, long Sender, string Body, bool SmtpUtf8, string? Return, string? EnvelopeId, long Size, DateTimeOffset Received, SenderTrust Trust);

/// <summary>A recipient whose time has come, as the scheduler takes it up. Nothing is claimed yet.</summary>
/// <param name="Domain">Of <paramref name="Address"/>, lower case.</param>
public sealed record WaitingRecipient(long Id, long MessageId, string Address, string Domain, string ReversePath, DateTimeOffset Due, int Attempts, string? Via);

/// <summary>A recipient that was claimed: the attempt is counted, and a result counts only under this owner and generation.</summary>
/// <param name="Attempts">With this one.</param>
/// <param name="DelayTold">When the sender was told that it is late; null when not.</param>
public sealed record LeasedRecipient(long Id, long MessageId, string Address, string Original, string? Notify, string? OriginalRecipient, int Attempts, string Owner, long Generation, DateTimeOffset? DelayTold, string? Via);

/// <summary>A place in a scan by time.</summary>
public readonly record struct QueuePosition(DateTimeOffset Due, long Id);

/// <summary>A queued recipient as listed.</summary>
/// <param name="Id">Of the recipient's row.</param>
/// <param name="Due">When it is tried next; of a leased one when its lease ends.</param>
/// <param name="Finished">When it came to its end; null while it is open.</param>
public sealed record QueuedRecipient(long Id, long MessageId, TraceId Trace, string ReversePath, string Address, string Original, RecipientState State, DateTimeOffset Due, int Attempts, string LastReply, long Size, DateTimeOffset Received, DateTimeOffset? Finished, string? Via);

/// <summary>Which queued recipients are meant; what is null does not matter. Patterns may hold "*".</summary>
/// <param name="Sender">The reverse-path; "" means the null sender.</param>
/// <param name="OlderThan">Received before this.</param>
/// <param name="Open">True: only those that wait (due, leased, held); false: only those that came to their end; null: all. A <paramref name="State"/> speaks for itself.</param>
public sealed record QueueFilter(TraceId? Trace = null, long? Recipient = null, string? Sender = null, string? Address = null, string? Domain = null, string? Via = null, DateTimeOffset? OlderThan = null, RecipientState? State = null, bool? Open = true);

/// <summary>How many recipients of a domain wait, by how long their message is here.</summary>
/// <param name="Ages">Counts under 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and over.</param>
public sealed record QueueAges(string Domain, long Total, IReadOnlyList<long> Ages);

/// <summary>A row that was found without a living owner.</summary>
public sealed record AbandonedRecipient(LeasedRecipient Recipient, TraceId Trace, DateTimeOffset Until, DateTimeOffset RetryAt);
