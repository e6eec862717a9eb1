using System.Net;

namespace Posthorn.Delivery.Outbound;

/// <summary>A host that takes mail.</summary>
/// <param name="Name">As the DNS or the route has it; of an address literal the address.</param>
/// <param name="Addresses">In the order in which they are tried.</param>
/// <param name="TlsName">For SNI and the check of its certificate; null for an address.</param>
sealed record MailHost(string Name, IReadOnlyList<EndPoint> Addresses, string? TlsName)
{
    /// <summary>"mx1.example.net[192.0.2.1]:25", for results and logs; a Unix socket is its path.</summary>
    internal string Relay(EndPoint address) => address is IPEndPoint ip ? $"{Name}[{ip.Address}]:{ip.Port}" : Name;
}

/// <summary>Where a job can go; exactly one of the two is set.</summary>
/// <param name="Hosts">Best first.</param>
/// <param name="Verdict">Why there are none.</param>
readonly record struct HostPlan(IReadOnlyList<MailHost>? Hosts, Verdict? Verdict);
