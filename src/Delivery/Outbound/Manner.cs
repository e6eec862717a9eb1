using Posthorn.Accounts.Routes;
using Posthorn.Smtp.Client;

namespace Posthorn.Delivery.Outbound;

/// <summary>How hosts of a route are talked to. Part of the key of kept sessions: what differs in any of it is not shared.</summary>
/// <param name="RouteId">Sessions are not shared between routes, whose logins may be different files with the same user.</param>
/// <param name="User">Who logs in; null for nobody.</param>
sealed record Manner(bool Lmtp, TlsPolicy Tls, bool ImplicitTls, long RouteId, string? User)
{
    /// <summary>
    /// May mail go in clear when TLS fails (RFC 7435)? Never with a login: the failure may be the work of somebody who wants
    /// to see it.
    /// </summary>
    internal bool MayGoClear => Tls == TlsPolicy.Opportunistic && !ImplicitTls && User is null;

    internal SmtpClientTls TlsFor(MailHost host, string? roots, bool clear) => new(
        Use: Tls != TlsPolicy.None && !clear,
        Require: Tls >= TlsPolicy.Required,
        Verify: Tls == TlsPolicy.Verified,
        Implicit: ImplicitTls,
        ServerName: host.TlsName,
        Roots: roots);
}
