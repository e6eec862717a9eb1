using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>The queue: one row a message, one a recipient.</summary>
public sealed partial class QueueTables
{
    static readonly SqlText InsertMessage = new("""
        INSERT INTO queue_messages (trace, reverse_path, blob_id, prefix, sender, body, smtp_utf8, return_part, envelope_id, size, received, trust, open)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id
        """);
    static readonly SqlText InsertRecipient = new("""
        INSERT INTO queue_recipients (message_id, address, original, notify, original_recipient, state, due, attempts, last_reply,
          lease_owner, lease_generation, lease_until, domain, via)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $8, $10, $11, $12)
        """);
    static readonly SqlText CountMessages = new("SELECT COUNT(*) FROM queue_messages WHERE finished IS NULL");

    // Each part is the size of an index.
    static readonly SqlText CountRecipients = new("""
        SELECT (SELECT COUNT(*) FROM queue_recipients WHERE state = 1 AND attempts = 0)
          + (SELECT COUNT(*) FROM queue_recipients WHERE state = 1 AND attempts > 0)
          + (SELECT COUNT(*) FROM queue_recipients WHERE state = 2)
          + (SELECT COUNT(*) FROM queue_recipients WHERE state = 3)
        """);

    readonly ReadUnit _unit;

    internal QueueTables(ReadUnit unit) => _unit = unit;

    /// <summary>
    /// Queues a message with its recipients, due now, held, or claimed under its lease, and counts the reference to its body.
    /// Returns the row's id.
    /// </summary>
    public long Add(NewQueued message)
    {
        ArgumentOutOfRangeException.ThrowIfZero(message.Recipients.Count);
        _unit.Writing.Reference(message.Blob);
        var received = message.Received.ToMicroseconds();
        var id = _unit.Session.Use(InsertMessage).Bind(1, message.Trace.Value).Bind(2, message.ReversePath).Bind(3, message.Blob.BlobId)
            .Bind(4, message.Prefix).Bind(5, message.Sender).Bind(6, message.Body).Bind(7, message.SmtpUtf8 ? 1L : 0L)
            .Bind(8, message.Return).Bind(9, message.EnvelopeId).Bind(10, message.Prefix.Length + message.Blob.Length)
            .Bind(11, received).Bind(12, (long)message.Trust).Bind(13, (long)message.Recipients.Count).Scalar()!.Value;
        foreach (var recipient in message.Recipients)
            Add(id, recipient, received, message.Lease);
        return id;
    }

    /// <summary>A recipient that is queued as leased has its first attempt and its first generation.</summary>
    void Add(long messageId, NewRecipient recipient, long received, QueueLease? lease)
    {
        if (recipient.State is not (RecipientState.Due or RecipientState.Held or RecipientState.Leased))
            throw new ArgumentException("nobody is queued as " + recipient.State);
        if (recipient.State != RecipientState.Leased)
            lease = null;
        else if (lease is null)
            throw new ArgumentException("a recipient is queued as leased, and there is no lease");
        _unit.Session.Use(InsertRecipient).Bind(1, messageId).Bind(2, recipient.Address).Bind(3, recipient.Original)
            .Bind(4, recipient.Notify).Bind(5, recipient.OriginalRecipient).Bind(6, (long)recipient.State)
            .Bind(7, lease?.RetryAt.ToMicroseconds() ?? received).Bind(8, lease is null ? 0L : 1L).Bind(9, lease?.Owner)
            .Bind(10, lease?.Until.ToMicroseconds()).Bind(11, DomainOf(recipient.Address)).Bind(12, recipient.Via).Run();
    }

    /// <summary>Messages and recipients that have not come to their end.</summary>
    public (long Messages, long Recipients) Count() =>
        (_unit.Session.Use(CountMessages).Scalar() ?? 0, _unit.Session.Use(CountRecipients).Scalar() ?? 0);

    static string DomainOf(string address) => Lower(address[(address.LastIndexOf('@') + 1)..]);

    /// <summary>Lower case as SQL's LOWER has it in both engines: of ASCII alone. Domains are A-labels.</summary>
    internal static string Lower(string text) => string.Create(text.Length, text, static (lower, from) =>
    {
        for (var i = 0; i < from.Length; i++)
            lower[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    });
}
