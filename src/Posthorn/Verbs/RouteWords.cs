using Posthorn.Accounts.Routes;
using Posthorn.Wire.Addresses;

namespace Posthorn.Verbs;

/// <summary>Routes in words for people.</summary>
static class RouteWords
{
    /// <summary>A setting by the name of its option: "give-up".</summary>
    public static string Option(string name) => string.Concat(name.Select(static c => char.IsUpper(c) ? "-" + char.ToLowerInvariant(c) : c.ToString()));

    /// <summary>Why mail for an address goes where it goes.</summary>
    public static string Reason(Route route, EmailAddress recipient) => route switch
    {
        { Id: 0 } => recipient.IsLiteral ? $"no route: straight to the host {recipient.Domain}" : $"no route: mail exchangers of {recipient.Domain} by DNS",
        { Transport.Kind: TransportKind.Mx } => $"route {route.Name}: mail exchangers of {recipient.Domain} by DNS",
        _ => $"route {route.Name}: {route.Transport}",
    };
}
