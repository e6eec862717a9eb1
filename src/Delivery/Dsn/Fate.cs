namespace Posthorn.Delivery.Dsn;

/// <summary>
/// What became of recipients, for programs and for people. Recipients with equal fates stand together. In the plain words
/// <see cref="Before"/> comes first, then the addresses, then <see cref="Why"/>, what was <see cref="Said"/>, and
/// <see cref="Then"/>.
/// </summary>
/// <param name="Action">The Action field (RFC 3464 §2.3.3).</param>
/// <param name="Status">The Status field (RFC 3464 §2.3.4).</param>
/// <param name="Subject">The subject of a notice about nothing worse.</param>
/// <param name="Before">The words over the addresses.</param>
sealed record Fate(string Action, string Status, string Subject, string Before)
{
    /// <summary>It is in the recipient's mailbox (RFC 3461 §5.2.3 (a)).</summary>
    internal static readonly Fate Delivered = new("delivered", "2.1.5", "Your message was delivered",
        "It was put into the mailbox of");

    /// <summary>It went on to those behind an address (RFC 3461 §5.2.7.3 (c)); who they are is not told.</summary>
    internal static readonly Fate Expanded = new("expanded", "2.1.5", "Your message was passed on",
        "It was passed on to everybody whom these addresses stand for; whether it reaches each of them is not told here:");

    /// <summary>The words under the addresses: what is behind it; null for none.</summary>
    internal string? Why { get; init; }

    /// <summary>The words of the other side, or those of our own log; shown apart. Null for none.</summary>
    internal string? Said { get; init; }

    /// <summary>What comes next and what to do; null for nothing.</summary>
    internal string? Then { get; init; }

    /// <summary>Remote-MTA with its type (RFC 3464 §2.3.5); null when nobody was talked to.</summary>
    internal string? RemoteMta { get; init; }

    /// <summary>Diagnostic-Code with its type (RFC 3464 §2.3.6); null when nobody said anything.</summary>
    internal string? Diagnostic { get; init; }

    /// <summary>What this server found itself, for an extension field (RFC 3464 §2.4); null when the other side spoke.</summary>
    internal string? Reason { get; init; }

    internal DateTimeOffset? LastAttempt { get; init; }

    /// <summary>Until when it is tried (RFC 3464 §2.3.9); only of what is delayed.</summary>
    internal DateTimeOffset? RetryUntil { get; init; }

    /// <summary>The worst comes first in a notice and gives it its subject.</summary>
    internal int Order => Action switch { "failed" => 0, "delayed" => 1, _ => 2 };
}
