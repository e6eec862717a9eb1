using System.Net;

namespace Posthorn.Serving;

/// <summary>The networks of relay.trustedNetworks, replaced at reload.</summary>
sealed class TrustedNetworks(IReadOnlyList<IPNetwork> networks)
{
    volatile IPNetwork[] _networks = [.. networks];

    public void Replace(IReadOnlyList<IPNetwork> networks) => _networks = [.. networks];

    public bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        foreach (var network in _networks)
            if (network.Contains(address)) return true;
        return false;
    }
}
