using Posthorn.Accounts;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Routing;

/// <summary>
/// Where mail for a recipient goes, or why it does not. An address is split at its last "@" and nowhere else: "%", "!" and
/// "@" in a local part are letters like others, so none of the old routing forms relays for a stranger.
/// </summary>
sealed class Router(AccountDirectory accounts, string hostname, Srs srs)
{
    static readonly SmtpReply NoSuchUser = new(550, "5.1.1", "No such user here");
    static readonly SmtpReply Disabled = new(550, "5.2.1", "This mailbox is disabled");
    static readonly SmtpReply NotHere = new(550, "5.7.1", "Relaying denied");
    static readonly SmtpReply NotLocal = new(550, "5.1.2", "Not a domain of this server");
    static readonly SmtpReply OnlyBounces = new(550, "5.7.1", "This address takes bounces only");
    static readonly SmtpReply Broken = new(451, "4.3.5", "Address cannot be resolved now");

    /// <summary>Routes one recipient; exactly one of the two results is set.</summary>
    /// <param name="sender">The reverse-path; null for the null sender.</param>
    internal (IReadOnlyList<Destination>? Destinations, SmtpReply? Refusal) Route(SmtpClientInfo client, EmailAddress? sender, EmailAddress recipient)
    {
        // A rewritten reverse-path is for what comes back. Its hash is the proof that we may pass that on.
        if (Srs.HasForm(recipient) && (accounts.IsLocalDomain(recipient.Domain) || recipient.Domain == hostname || recipient.Domain == srs.Domain))
        {
            if (srs.Reverse(recipient) is not { } behind) return (null, NoSuchUser);
            if (sender is not null) return (null, OnlyBounces);
            return RouteNotice(behind) is { Count: > 0 } back ? (back, null) : (null, NoSuchUser);
        }
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
        reversePath = SenderBehind(reversePath);
        var resolution = Resolve(reversePath);
        return resolution.Status switch
        {
            ResolutionStatus.Found => resolution.Destinations,
            ResolutionStatus.NotLocal => [new Destination.Foreign(reversePath)],
            _ => [],
        };
    }

    /// <summary>The sender behind a reverse-path that we have rewritten; any other reverse-path as it is.</summary>
    internal EmailAddress SenderBehind(EmailAddress reversePath) => srs.Reverse(reversePath) ?? reversePath;

    /// <summary>
    /// The reverse-path of what an address of ours sends on: the sender's own when it is ours as well, else a rewritten one,
    /// so that the next host does not take us for somebody who pretends to be him (RFC 7208 §D.2).
    /// </summary>
    internal ValueTask<EmailAddress> ForwardSenderAsync(EmailAddress sender, EmailAddress forwarder, CancellationToken ct) =>
        accounts.IsLocalDomain(sender.Domain) || sender.Domain == hostname || sender.Domain == srs.Domain ? ValueTask.FromResult(sender) : srs.RewriteAsync(sender, forwarder, ct);

    Resolution Resolve(EmailAddress address) => OwnName.Resolve(accounts, hostname, address);
}
