using System.Net;

namespace Posthorn.Dns.Asking;

/// <summary>What is taken out of resolv.conf(5): the servers, and whether their AD bit may be believed. Search domains are never applied to mail.</summary>
/// <param name="TrustAd"><c>options trust-ad</c>: the administrator says that the way to the servers is safe.</param>
sealed record ResolvConf(IReadOnlyList<IPAddress> Servers, bool TrustAd)
{
    // More than anybody lists; a broken file does not become a list without end.
    const int MaxServers = 8;

    internal static ResolvConf Parse(string text)
    {
        var servers = new List<IPAddress>();
        var trustAd = false;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var words = line.ToString().Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var address, ..] && servers.Count < MaxServers && IPAddress.TryParse(address, out var ip)) servers.Add(ip);
            else if (words is ["options", ..]) trustAd |= words.Contains("trust-ad");
        }
        // Without any, the server is on this machine, as the C library has it.
        return new(servers.Count > 0 ? servers : [IPAddress.Loopback], trustAd);
    }
}
