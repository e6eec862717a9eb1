using System.Net;
using Posthorn.Accounts.Routes;

namespace Posthorn.Delivery.Queue;

/// <summary>What outbound delivery needs of the configuration.</summary>
public sealed record QueueOptions
{
    /// <summary>Our name in EHLO and in notices.</summary>
    public required string Hostname { get; init; }

    /// <summary>From the first failed attempt to the second.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Each wait is so many times the one before.</summary>
    public double RetryGrowth { get; init; } = 1.5;

    /// <summary>The longest wait between attempts.</summary>
    public TimeSpan RetryMost { get; init; } = TimeSpan.FromHours(4);

    /// <summary>After this the sender is told that the message is late.</summary>
    public TimeSpan DelayNotice { get; init; } = TimeSpan.FromHours(4);

    public TimeSpan GiveUp { get; init; } = TimeSpan.FromDays(5);

    /// <summary>The same for messages of the null sender.</summary>
    public TimeSpan GiveUpBounces { get; init; } = TimeSpan.FromDays(2);

    /// <summary>Connections to a destination at first.</summary>
    public int ConcurrencyStart { get; init; } = 5;

    /// <summary>Most connections to a destination.</summary>
    public int ConcurrencyMost { get; init; } = 20;

    /// <summary>Most deliveries at once to all destinations.</summary>
    public int Deliveries { get; init; } = 200;

    /// <summary>Most messages a minute to a destination; 0 for no bound.</summary>
    public int Rate { get; init; }

    /// <summary>A destination that could not be reached at all gets no connection for this long, at most the first wait of a retry.</summary>
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Recipients handed over in one transaction.</summary>
    public int Recipients { get; init; } = 100;

    /// <summary>How long messages that came to their end stay in lists.</summary>
    public TimeSpan KeepFinished { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The port of other mail servers.</summary>
    public int Port { get; init; } = 25;

    /// <summary>TLS where no route says else.</summary>
    public TlsPolicy Tls { get; init; } = TlsPolicy.Opportunistic;

    /// <summary>Private, loopback and link-local networks that MX records may lead into.</summary>
    public IReadOnlyList<IPNetwork> PrivateNetworks { get; init; } = [];

    /// <summary>Our own addresses beside those of the machine's interfaces (NAT), for finding ourselves among the MX hosts.</summary>
    public IReadOnlyList<IPNetwork> OwnNetworks { get; init; } = [];

    /// <summary>A PEM file of roots for verified sessions; null for those of the system.</summary>
    public string? Roots { get; init; }
}
