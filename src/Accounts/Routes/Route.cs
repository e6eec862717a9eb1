namespace Posthorn.Accounts.Routes;

/// <summary>What TLS an outgoing session must have.</summary>
public enum TlsPolicy
{
    /// <summary>Never.</summary>
    None,

    /// <summary>When the peer offers it, whatever its certificate (RFC 7435); one more try in clear when the handshake fails.</summary>
    Opportunistic,

    /// <summary>Never in clear; whatever the certificate.</summary>
    Required,

    /// <summary>Never in clear, with a certificate that names the host and leads to a root that this machine trusts.</summary>
    Verified,
}

/// <summary>How to log in to a smart host. Secrets are named by where they are, never held.</summary>
/// <param name="PasswordFile">For PLAIN, LOGIN, SCRAM-SHA-256.</param>
/// <param name="TokenFile">For XOAUTH2: a file whose text is the token, read for each login.</param>
/// <param name="TokenCommand">For XOAUTH2: a program with its arguments, run without a shell, that prints the token.</param>
public sealed record RouteLogin(string User, string? PasswordFile, string? TokenFile, IReadOnlyList<string>? TokenCommand);

/// <summary>What a route sets for itself; null takes the global value.</summary>
/// <param name="Concurrency">Most connections to its destination at once.</param>
/// <param name="Rate">Most messages a minute.</param>
public sealed record RouteSettings(TlsPolicy? Tls = null, RouteLogin? Login = null, int? Concurrency = null, int? Rate = null,
    TimeSpan? RetryFirst = null, TimeSpan? RetryMost = null, TimeSpan? DelayNotice = null, TimeSpan? GiveUp = null, TimeSpan? GiveUpBounces = null);

/// <summary>What a route looks at; the numbers are on disk, frozen by a test.</summary>
public enum RouteKind { Default = 0, Recipient = 1, Sender = 2 }

/// <summary>One rule: mail that fits <paramref name="Pattern"/> leaves by <paramref name="Transport"/>.</summary>
/// <param name="Id">Row id; 0 for the built-in default (mx) and for what the queue was told by hand.</param>
/// <param name="Pattern"><c>example.net</c>, <c>*.example.net</c> (its subdomains), <c>user@example.net</c>, <c>*@example.net</c>; "" for the default.</param>
/// <param name="Name">How logs and lists call it: the pattern, "sender" and the pattern, "default", "mx" or "by hand".</param>
public sealed record Route(long Id, RouteKind Kind, string Pattern, Transport Transport, RouteSettings Settings, string Name);
