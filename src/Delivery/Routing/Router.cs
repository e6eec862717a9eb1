using Posthorn.Accounts;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Routing;

/// <summary>
/// Where mail for a recipient goes, or why it does not. An address is split at its last "@" and nowhere else: "%", "!" and
/// "@" in a local part are letters like others, so none of the old routing forms relays for a stranger.
/// </summary>
sealed class Router(AccountDirectory accounts, string hostname)
{
    static readonly SmtpReply NoSuchUser = new(550, "5.1.1", "No such user here");
    static readonly SmtpReply Disabled = new(550, "5.2.1", "This mailbox is disabled");
    static readonly SmtpReply NotHere = new(550, "5.7.1", "Relaying denied");
    static readonly SmtpReply NotLocal = new(550, "5.1.2", "Not a domain of this server");
    static readonly SmtpReply Broken = new(451, "4.3.5", "Address cannot be resolved now");

    /// <summary>Routes one recipient; exactly one of the two results is set.</summary>
    internal (IReadOnlyList<Destination>? Destinations, SmtpReply? Refusal) Route(SmtpClientInfo client, EmailAddress recipient)
    {
        var resolution = Resolve(recipient);
        return resolution.Status switch
        {
            ResolutionStatus.Found when resolution.Destinations.Count > 0 => (resolution.Destinations, null),
            ResolutionStatus.NoSuchUser => (null, NoSuchUser),
            ResolutionStatus.Disabled => (null, Disabled),
            ResolutionStatus.NotLocal when client.Service == SmtpService.Lmtp => (null, NotLocal), // RFC 2033: final delivery only
            ResolutionStatus.NotLocal when client.Principal is not null || client.Trusted => ([new Destination.Foreign(recipient)], null),
            ResolutionStatus.NotLocal => (null, NotHere),
            _ => (null, Broken),
        };
    }

    /// <summary>Where a notice for a reverse-path goes; empty when it can go nowhere.</summary>
    internal IReadOnlyList<Destination> RouteNotice(EmailAddress reversePath)
    {
        var resolution = Resolve(reversePath);
        return resolution.Status switch
        {
            ResolutionStatus.Found => resolution.Destinations,
            ResolutionStatus.NotLocal => [new Destination.Foreign(reversePath)],
            _ => [],
        };
    }

    Resolution Resolve(EmailAddress address)
    {
        var resolution = accounts.Resolve(address);
        // RFC 5321 §4.1.1.3, §4.5.1: <postmaster> comes completed with our host name, which need not be a mail domain. And
        // who answers a notice (it comes from MAILER-DAEMON there) is to reach a human (RFC 3464 §2).
        if (resolution.Status == ResolutionStatus.NotLocal && address.Domain == hostname
            && (address.LocalPart.Equals("postmaster", StringComparison.OrdinalIgnoreCase) || address.LocalPart.Equals("mailer-daemon", StringComparison.OrdinalIgnoreCase)))
            return accounts.ResolvePostmaster();
        return resolution;
    }
}
