using System.Net;

namespace Posthorn.Dns;

/// <summary>How a question ended.</summary>
public enum DnsStatus
{
    /// <summary>There are records.</summary>
    Found,

    /// <summary>The name exists, without a record of this type.</summary>
    NoData,

    /// <summary>The name does not exist (NXDOMAIN).</summary>
    NoSuchDomain,

    /// <summary>No trustworthy answer could be had now: time-out, SERVFAIL, refused, broken answers, a loop of CNAMEs.</summary>
    Temporary,

    /// <summary>A validating resolver says that the answer was forged or is broken (RFC 8914 codes 6 to 12). Also temporary for mail.</summary>
    Bogus,
}

/// <summary>The answer to one question.</summary>
/// <param name="Records">The records of the type asked for, in the order they came; empty unless <see cref="DnsStatus.Found"/>.</param>
/// <param name="Name">The name they belong to, after CNAMEs were followed.</param>
/// <param name="Authentic">The AD bit, when it came from a resolver that is believed: one on loopback or in <c>dns.servers</c>.</param>
/// <param name="Reason">In words why there is no record, for logs and notices ("no answer from 192.0.2.1 within 5 s"); null when found.</param>
public sealed record DnsAnswer(DnsStatus Status, IReadOnlyList<DnsRecord> Records, string Name, bool Authentic, string? Reason)
{
    /// <summary>Who said it last, also when it was kept; null when nobody did.</summary>
    public IPEndPoint? Server { get; init; }

    public bool Found => Status == DnsStatus.Found;

    /// <summary>Nothing is known: whoever asked tries again later and draws no conclusion.</summary>
    public bool Unknown => Status is DnsStatus.Temporary or DnsStatus.Bogus;
}

/// <summary>Asks the DNS. Thread-safe; never throws for what the network or an answer does.</summary>
public interface IDnsResolver
{
    /// <param name="name">In any case, with or without the last dot, U-labels or A-labels. What cannot be a name is <see cref="DnsStatus.NoSuchDomain"/> without a question.</param>
    ValueTask<DnsAnswer> LookupAsync(string name, DnsType type, CancellationToken ct = default);
}
