using Posthorn.Accounts;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Routing;

/// <summary>Addresses at the name of this server, which need not be a mail domain.</summary>
public static class OwnName
{
    /// <summary>
    /// Where an address leads. RFC 5321 §4.1.1.3, §4.5.1: &lt;postmaster&gt; comes completed with our host name. Who answers a
    /// notice (it comes from MAILER-DAEMON there) is to reach a human (RFC 3464 §2), and so is what the machine itself has to
    /// say to root (cron); but a machine without mailboxes sends that on.
    /// </summary>
    /// <param name="hostname">Our name, in lower case.</param>
    /// <param name="explain">True to tell each step.</param>
    public static Resolution Resolve(AccountDirectory accounts, string hostname, EmailAddress address, bool explain = false)
    {
        var resolution = accounts.Resolve(address, explain);
        if (resolution.Status != ResolutionStatus.NotLocal || address.Domain != hostname) return resolution;
        if (Is(address, "postmaster") || Is(address, "mailer-daemon")) return accounts.ResolvePostmaster(explain);
        return Is(address, "root") && accounts.ResolvePostmaster(explain) is { Status: ResolutionStatus.Found } postmaster ? postmaster : resolution;
    }

    static bool Is(EmailAddress address, string name) => address.LocalPart.Equals(name, StringComparison.OrdinalIgnoreCase);
}
