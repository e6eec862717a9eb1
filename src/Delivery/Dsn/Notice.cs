using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>One recipient in a notice.</summary>
/// <param name="Recipient">The address of the envelope, exactly as it came (RFC 3464 §2.3.2).</param>
/// <param name="Original">ORCPT, decoded, "type;address"; null when there was none.</param>
/// <param name="Fate">What became of it.</param>
sealed record NoticeRecipient(EmailAddress Recipient, string? Original, Fate Fate);

/// <summary>A delivery status notification to be composed: everything that is told, whatever it is about.</summary>
sealed record Notice
{
    /// <summary>The notice's own id.</summary>
    internal required string Id { get; init; }

    /// <summary>The id under which the message came in.</summary>
    internal required string MessageId { get; init; }

    /// <summary>The reverse-path of the message, or the postmaster when it had none.</summary>
    internal required EmailAddress To { get; init; }

    /// <summary>When the message came in.</summary>
    internal required DateTimeOffset Arrived { get; init; }

    internal required DateTimeOffset Now { get; init; }

    /// <summary>ENVID, decoded; null when there was none.</summary>
    internal string? EnvelopeId { get; init; }

    internal required IReadOnlyList<NoticeRecipient> Recipients { get; init; }

    /// <summary>What of the message is given back.</summary>
    internal required ReturnedMessage Returned { get; init; }

    /// <summary>True when the message had no sender (it was most likely a notice), so that the postmaster is told of its failure.</summary>
    internal bool Double { get; init; }
}

/// <summary>What of a message is given back with a notice.</summary>
/// <param name="Trace">The lines that this hop put before it.</param>
/// <param name="Message">The start of the message with its header; all of it when it is given back whole.</param>
/// <param name="SmtpUtf8">It came under SMTPUTF8, so its header may be UTF-8 (RFC 6532).</param>
/// <param name="Whole">True to give back all of it, when it can go as it is.</param>
readonly record struct ReturnedMessage(ReadOnlyMemory<byte> Trace, ReadOnlyMemory<byte> Message, bool SmtpUtf8, bool Whole = false);
