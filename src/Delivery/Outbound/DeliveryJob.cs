using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Outbound;

/// <summary>Recipients of one message that go to one destination in one transaction. Their attempt is recorded and they are leased.</summary>
/// <param name="Destination">The key under which the scheduler counts connections: the domain for MX, else the transport's text.</param>
/// <param name="Journal">Told at once when the final dot goes out and when it is answered.</param>
public sealed record DeliveryJob(QueuedMessage Message, IReadOnlyList<LeasedRecipient> Recipients, Route Route, string Destination, IDeliveryJournal Journal);

/// <summary>
/// Notes what a commit comes too late for: a process that is killed between the final dot and the commit of its result
/// finds here what it had done (promise 3 of the reliability page). Calls return at once.
/// </summary>
public interface IDeliveryJournal
{
    /// <summary>The final dot (or the last chunk) is about to be sent for these recipients: from now on the peer may have the message.</summary>
    void DotSent(IReadOnlyList<LeasedRecipient> recipients);

    /// <summary>The peer has taken the message for this recipient: it must not be sent again.</summary>
    void Taken(LeasedRecipient recipient, string reply);
}

/// <summary>What became of one recipient in one attempt.</summary>
public enum AttemptStatus
{
    Delivered,

    /// <summary>Not now; whatever is not known to be permanent.</summary>
    Deferred,

    Failed,
}

/// <summary>The result for one recipient.</summary>
/// <param name="Enhanced">Class.subject.detail (RFC 3463), the peer's or ours.</param>
/// <param name="Reply">The peer's reply as it came, on one line ("550 5.1.1 no such user"); for what we found ourselves our own words. Never a control character.</param>
/// <param name="FromPeer">True when <paramref name="Reply"/> is what the host at <paramref name="Relay"/> said (Diagnostic-Code: smtp).</param>
/// <param name="Relay">The host that was talked to: "mx1.example.net[192.0.2.1]:25", a path, or null when it came to none.</param>
/// <param name="Tls">"TLS1.3 TLS_AES_256_GCM_SHA384, verified", or null in clear.</param>
/// <param name="NotBefore">A deferred recipient is not tried earlier than this, whatever the schedule says (after a drop behind the dot: 5 minutes).</param>
/// <param name="DsnPassed">The peer speaks DSN, so telling of success is its duty now (RFC 3461 §5.2.1).</param>
public sealed record RecipientResult(LeasedRecipient Recipient, AttemptStatus Status, string Enhanced, string Reply, bool FromPeer, string? Relay, string? Tls, TimeSpan? NotBefore = null, bool DsnPassed = false);

/// <summary>What an attempt says about the destination, for the number of connections that it gets.</summary>
public enum DestinationHealth
{
    /// <summary>It works (also when it refused recipients).</summary>
    Good,

    /// <summary>It asks for less: 421, too many connections, 4xx before MAIL.</summary>
    Busy,

    /// <summary>None of its hosts could be talked to, or the DNS does not tell them.</summary>
    Down,
}

/// <summary>The results of a job: exactly one for each recipient.</summary>
public sealed record DeliveryReport(IReadOnlyList<RecipientResult> Results, DestinationHealth Health);

/// <summary>Hands messages over: the one seam between the queue and the transports. Thread-safe; never throws but for cancellation.</summary>
public interface IDeliveryAgent
{
    /// <param name="ct">Cancelled when the process has to end: what has not sent its dot stops and is Deferred.</param>
    ValueTask<DeliveryReport> DeliverAsync(DeliveryJob job, CancellationToken ct);
}
