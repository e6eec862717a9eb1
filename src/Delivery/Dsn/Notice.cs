using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>What a notice says about a recipient.</summary>
/// <param name="Action">The Action field (RFC 3464 §2.3.3).</param>
/// <param name="Status">The Status field (RFC 3464 §2.3.4).</param>
/// <param name="Subject">The subject of a notice whose first recipient has this fate.</param>
/// <param name="Words">The plain words over the addresses that have it; lines of at most 76 characters.</param>
sealed record Fate(string Action, string Status, string Subject, params string[] Words)
{
    /// <summary>It is in the recipient's mailbox (RFC 3461 §5.2.3 (a)).</summary>
    internal static readonly Fate Delivered = new("delivered", "2.1.5", "Your message was delivered",
        "It was put into the mailbox of");

    /// <summary>It went on to those behind an address (RFC 3461 §5.2.7.3 (c)); who they are is not told.</summary>
    internal static readonly Fate Expanded = new("expanded", "2.1.5", "Your message was passed on",
        "It was passed on to everybody whom these addresses stand for; whether it",
        "reaches each of them is not told here:");
}

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

    /// <summary>The reverse-path of the message.</summary>
    internal required EmailAddress To { get; init; }

    /// <summary>When the message came in.</summary>
    internal required DateTimeOffset Arrived { get; init; }

    internal required DateTimeOffset Now { get; init; }

    /// <summary>ENVID, decoded; null when there was none.</summary>
    internal string? EnvelopeId { get; init; }

    internal required IReadOnlyList<NoticeRecipient> Recipients { get; init; }

    /// <summary>The header of the message as it is given back.</summary>
    internal required ReturnedHeader Returned { get; init; }
}

/// <summary>The header of a message, given back with a notice.</summary>
/// <param name="Trace">The lines that this hop put before it.</param>
/// <param name="Message">The start of the message, with its header.</param>
/// <param name="SmtpUtf8">It came under SMTPUTF8, so its header may be UTF-8 (RFC 6532).</param>
readonly record struct ReturnedHeader(ReadOnlyMemory<byte> Trace, ReadOnlyMemory<byte> Message, bool SmtpUtf8);
