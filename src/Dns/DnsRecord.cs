using System.Net;

namespace Posthorn.Dns;

/// <summary>The types of record that mail needs; the values are those of the wire (RFC 1035 §3.2.2 and successors).</summary>
public enum DnsType { A = 1, Cname = 5, Ptr = 12, Mx = 15, Txt = 16, Aaaa = 28, Srv = 33, Tlsa = 52 }

/// <summary>One record of an answer. Names are in lower case, as A-labels, without the last dot; the root is "".</summary>
/// <param name="Ttl">How long it holds from when it came, within the bounds of the cache.</param>
public abstract record DnsRecord(TimeSpan Ttl)
{
    /// <summary>A or AAAA (RFC 1035 §3.4.1, RFC 3596).</summary>
    public sealed record Host(IPAddress Address, TimeSpan Ttl) : DnsRecord(Ttl);

    /// <summary>MX (RFC 1035 §3.3.9). An <paramref name="Exchange"/> of "" with preference 0, alone, is a null MX (RFC 7505).</summary>
    public sealed record Mx(int Preference, string Exchange, TimeSpan Ttl) : DnsRecord(Ttl);

    /// <summary>TXT, its strings joined without anything between them (RFC 7208 §3.3); octets outside ASCII as Latin-1.</summary>
    public sealed record Txt(string Text, TimeSpan Ttl) : DnsRecord(Ttl);

    /// <summary>PTR or CNAME.</summary>
    public sealed record Name(string Target, TimeSpan Ttl) : DnsRecord(Ttl);

    /// <summary>TLSA (RFC 6698 §2.1).</summary>
    public sealed record Tlsa(int Usage, int Selector, int MatchingType, byte[] Data, TimeSpan Ttl) : DnsRecord(Ttl);

    /// <summary>SRV (RFC 2782). A <paramref name="Target"/> of "" says that the service is not offered.</summary>
    public sealed record Srv(int Priority, int Weight, int Port, string Target, TimeSpan Ttl) : DnsRecord(Ttl);
}
