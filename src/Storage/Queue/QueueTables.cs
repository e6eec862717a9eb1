using Posthorn.Storage.Sql;

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
    static readonly SqlText InsertMessage = new("""
        INSERT INTO queue_messages (trace, reverse_path, blob_id, prefix, sender, body, smtp_utf8, return_part, envelope_id, size, received)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
        """);
    static readonly SqlText InsertRecipient = new("""
        INSERT INTO queue_recipients (message_id, address, original, notify, original_recipient, state, due, attempts, last_reply, lease_generation)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', 0)
        """);
    static readonly SqlText ListDue = new("""
        SELECT r.id, m.trace, m.reverse_path, r.address, r.state, r.due, r.attempts, r.last_reply, m.size, m.received
        FROM queue_recipients r JOIN queue_messages m ON m.id = r.message_id ORDER BY r.due, r.id LIMIT $1
        """);
    static readonly SqlText CountMessages = new("SELECT COUNT(*) FROM queue_messages");
    static readonly SqlText CountRecipients = new("SELECT COUNT(*) FROM queue_recipients");

    readonly ReadUnit _unit;

    internal QueueTables(ReadUnit unit) => _unit = unit;

    /// <summary>Queues a message with its recipients, due now, and counts the reference to its body. Returns the row's id.</summary>
    public long Add(NewQueued message)
    {
        _unit.Writing.Reference(message.Blob);
        var received = message.Received.ToMicroseconds();
        var id = _unit.Session.Use(InsertMessage).Bind(1, message.Trace.Value).Bind(2, message.ReversePath).Bind(3, message.Blob.BlobId)
            .Bind(4, message.Prefix).Bind(5, message.Sender).Bind(6, message.Body).Bind(7, message.SmtpUtf8 ? 1L : 0L)
            .Bind(8, message.Return).Bind(9, message.EnvelopeId).Bind(10, message.Prefix.Length + message.Blob.Length)
            .Bind(11, received).Scalar()!.Value;
        foreach (var recipient in message.Recipients)
            _unit.Session.Use(InsertRecipient).Bind(1, id).Bind(2, recipient.Address).Bind(3, recipient.Original)
                .Bind(4, recipient.Notify).Bind(5, recipient.OriginalRecipient).Bind(6, (long)recipient.State).Bind(7, received).Run();
        return id;
    }

    public IReadOnlyList<QueuedRecipient> List(int most = 1000) =>
        _unit.Session.Use(ListDue).Bind(1, (long)most).All(static r => new QueuedRecipient(r.Int64(0), new(r.Int64(1)), r.Text(2), r.Text(3),
            (RecipientState)r.Int64(4), Times.FromMicroseconds(r.Int64(5)), (int)r.Int64(6), r.Text(7), r.Int64(8), Times.FromMicroseconds(r.Int64(9))));

    public (long Messages, long Recipients) Count() =>
        (_unit.Session.Use(CountMessages).Scalar() ?? 0, _unit.Session.Use(CountRecipients).Scalar() ?? 0);
}
