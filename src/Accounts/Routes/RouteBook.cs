using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Routes;

/// <summary>
/// All routes as an immutable picture. Of those that fit a recipient wins, in this order: the whole address, its domain,
/// the longest <c>*.domain</c>; then a route by sender (whole address, domain, longest subdomain pattern); then the default;
/// then MX.
/// </summary>
public sealed class RouteBook
{
    readonly Table _recipients = new();
    readonly Table _senders = new();
    readonly Route _default = Mx;

    /// <summary>Indexes the routes; of two with the same pattern the first counts, one that cannot be understood is left out.</summary>
    public RouteBook(IReadOnlyList<Route> routes)
    {
        All = routes;
        foreach (var route in routes)
        {
            if (route.Kind == RouteKind.Default) _default = route;
            else if (RoutePattern.TryParse(route.Pattern, out var pattern, out _)) (route.Kind == RouteKind.Sender ? _senders : _recipients).Add(pattern, route);
        }
    }

    /// <summary>Mail exchangers by DNS: what holds when no route says else.</summary>
    public static Route Mx { get; } = new(0, RouteKind.Default, "", new Transport(TransportKind.Mx), new RouteSettings(), "mx");

    /// <summary>No routes but the built-in one.</summary>
    public static RouteBook Empty { get; } = new([]);

    /// <summary>The routes in the order in which they were made.</summary>
    public IReadOnlyList<Route> All { get; }

    /// <summary>False when no route can take mail from a mailbox here.</summary>
    internal bool HasOwn => _recipients.HasExact;

    /// <param name="sender">The reverse-path; null for the null sender.</param>
    public Route Find(EmailAddress recipient, EmailAddress? sender) =>
        _recipients.Find(recipient) ?? (sender is null ? null : _senders.Find(sender)) ?? _default;

    /// <summary>
    /// The route that takes mail for an address of ours away from its mailbox; null when none does. Only one that names the
    /// address or its very domain counts: a pattern over many domains, a sender or a default never empties a mailbox here.
    /// MX means no route: the exchanger of our own domain is ourselves.
    /// </summary>
    public Route? FindOwn(EmailAddress recipient) => _recipients.Exactly(recipient) is { Transport.Kind: not TransportKind.Mx } route ? route : null;

    /// <summary>The routes of one kind by their patterns.</summary>
    sealed class Table
    {
        readonly Dictionary<EmailAddress, Route> _addresses = [];
        readonly Dictionary<string, Route> _domains = [];
        readonly Dictionary<string, Route> _below = [];

        public bool HasExact => _addresses.Count + _domains.Count > 0;

        public void Add(RoutePattern pattern, Route route)
        {
            switch (pattern.Kind)
            {
                case RoutePatternKind.Address: _addresses.TryAdd(new EmailAddress(pattern.Local, pattern.Domain), route); break;
                case RoutePatternKind.Domain: _domains.TryAdd(pattern.Domain, route); break;
                default: _below.TryAdd(pattern.Domain, route); break;
            }
        }

        public Route? Exactly(EmailAddress address) =>
            _addresses.Count > 0 && _addresses.TryGetValue(address, out var route) ? route : _domains.GetValueOrDefault(address.Domain);

        public Route? Find(EmailAddress address) => Exactly(address) ?? Below(address.Domain);

        Route? Below(ReadOnlySpan<char> domain)
        {
            if (_below.Count == 0 || domain.StartsWith("[")) return null;
            var below = _below.GetAlternateLookup<ReadOnlySpan<char>>();
            for (var dot = domain.IndexOf('.'); dot >= 0; dot = domain.IndexOf('.'))
            {
                domain = domain[(dot + 1)..];
                if (below.TryGetValue(domain, out var route)) return route;
            }
            return null;
        }
    }
}
