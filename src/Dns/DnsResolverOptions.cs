using System.Net;

namespace Posthorn.Dns;

/// <summary>Whom to ask, how long, and what to keep.</summary>
public sealed record DnsResolverOptions
{
    /// <summary>Recursive resolvers, in the order of preference; their AD bit is believed. Empty: those of <see cref="ResolvConf"/>.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    /// <summary>Read when <see cref="Servers"/> is empty, and again when its time changes (looked at once in 5 s).</summary>
    public string ResolvConf { get; init; } = "/etc/resolv.conf";

    /// <summary>After this without an answer the next server is asked too; the first may still answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The whole of one question, with every server, CNAME and wait for a place. Two questions in a row fit in 20 s.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(9);

    /// <summary>One exchange over TCP, from the connect to the last octet.</summary>
    public TimeSpan TcpTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For this long after a server kept silent the others are asked first.</summary>
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Questions on the network at one time; the others wait for a place.</summary>
    public int InFlight { get; init; } = 256;

    /// <summary>An answer is kept at least so long, also a negative one.</summary>
    public TimeSpan MinTtl { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>An answer with records is kept at most so long.</summary>
    public TimeSpan MaxTtl { get; init; } = TimeSpan.FromDays(1);

    /// <summary>"No such name" and "no such record" are kept at most so long.</summary>
    public TimeSpan MaxNegativeTtl { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a question that nobody answered is not asked again.</summary>
    public TimeSpan TemporaryTtl { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Answers kept at most; the one not used for the longest time goes first.</summary>
    public int CacheEntries { get; init; } = 50_000;

    /// <summary>Memory for kept answers at most, in octets, as estimated.</summary>
    public long CacheOctets { get; init; } = 32 << 20;
}
