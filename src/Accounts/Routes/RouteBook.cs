using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Routes;

/// <summary>
/// All routes as an immutable picture. Of those that fit a recipient wins, in this order: the whole address, its domain,
/// the longest <c>*.domain</c>; then a route by sender (whole address, domain, longest subdomain pattern); then the default;
/// then MX.
/// </summary>
public sealed class RouteBook
{
    /// <summary>Mail exchangers by DNS: what holds when no route says else.</summary>
    public static Route Mx { get; } = new(0, RouteKind.Default, "", new Transport(TransportKind.Mx), new RouteSettings(), "mx");

    /// <summary>No routes but the built-in one.</summary>
    public static RouteBook Empty { get; } = new();

    /// <param name="sender">The reverse-path; null for the null sender.</param>
    public Route Find(EmailAddress recipient, EmailAddress? sender) => Mx;
}
