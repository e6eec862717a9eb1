namespace Posthorn.Accounts.Routes;

/// <summary>The ways a message can leave.</summary>
public enum TransportKind
{
    /// <summary>To the hosts that the DNS names for the recipient's domain.</summary>
    Mx,

    /// <summary>To one host: a smart host.</summary>
    Smtp,

    /// <summary>To a local delivery agent (RFC 2033).</summary>
    Lmtp,

    /// <summary>Appended to an mbox file.</summary>
    Mbox,

    /// <summary>Into a Maildir.</summary>
    Maildir,

    /// <summary>Nowhere; it counts as delivered.</summary>
    Discard,

    /// <summary>It waits until somebody releases it.</summary>
    Hold,
}

/// <summary>
/// A way out as it is written: <c>mx</c>, <c>smtp:host[:port]</c>, <c>smtps:host[:port]</c> (TLS from the start),
/// <c>lmtp:host:port</c>, <c>lmtp:unix:/path</c>, <c>mbox:/path/{user}</c>, <c>maildir:/path/{user}</c>, <c>discard</c>,
/// <c>hold</c>. An IPv6 host stands in brackets. In a path <c>{user}</c> and <c>{domain}</c> stand for those of the recipient.
/// </summary>
/// <param name="Host">Of smtp and lmtp over TCP: a name, or an address without brackets.</param>
/// <param name="ImplicitTls">Written smtps.</param>
/// <param name="Path">Of lmtp over a Unix socket, mbox and maildir.</param>
public sealed record Transport(TransportKind Kind, string? Host = null, int Port = 0, bool ImplicitTls = false, string? Path = null);
