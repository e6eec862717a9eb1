using System.Net;
using System.Net.Sockets;

namespace Posthorn.Delivery.Outbound;

/// <summary>Addresses that a stranger's DNS has no business to send us to (RFC 6890, RFC 4291, RFC 6598).</summary>
static class AddressKinds
{
    static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "224.0.0.0/3",
            "::/127", "64:ff9b:1::/48", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>An IPv4 address that hides in an IPv6 one is judged as what it is: mapped, 6to4 (RFC 3056), NAT64 (RFC 6052).</summary>
    internal static IPAddress Bare(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        if (octets[..2].SequenceEqual<byte>([0x20, 0x02])) return new IPAddress(octets[2..6]);
        return octets[..12].SequenceEqual<byte>([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]) ? new IPAddress(octets[12..]) : address;
    }

    /// <summary>Leads back to this machine whatever its interfaces are: loopback and "this host" (RFC 1122 §3.2.1.3).</summary>
    internal static bool IsLoopback(IPAddress address)
    {
        address = Bare(address);
        return IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
    }

    /// <summary>Private, link-local, shared, multicast or reserved: not an address of the public Internet.</summary>
    internal static bool IsPrivate(IPAddress address) => IsIn(NotPublic, Bare(address));

    internal static bool IsIn(IReadOnlyList<IPNetwork> networks, IPAddress address)
    {
        for (var i = 0; i < networks.Count; i++)
            if (networks[i].BaseAddress.AddressFamily == address.AddressFamily && networks[i].Contains(address)) return true;
        return false;
    }
}
