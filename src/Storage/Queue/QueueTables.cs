using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>The queue: one row a message, one a recipient.</summary>
public sealed partial class QueueTables
{
    static readonly SqlText InsertMessage = new("""
        INSERT INTO queue_messages (trace, reverse_path, blob_id, prefix, sender, body, smtp_utf8, return_part, envelope_id, size, received)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
        """);
    static readonly SqlText InsertRecipient = new("""
        INSERT INTO queue_recipients (message_id, address, original, notify, original_recipient, state, due, attempts, last_reply, lease_generation)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', 0)
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

    public (long Messages, long Recipients) Count() =>
        (_unit.Session.Use(CountMessages).Scalar() ?? 0, _unit.Session.Use(CountRecipients).Scalar() ?? 0);
}
