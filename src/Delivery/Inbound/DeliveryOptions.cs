namespace Posthorn.Delivery.Inbound;

/// <summary>What inbound delivery needs of the configuration.</summary>
public sealed record DeliveryOptions
{
    /// <summary>Our name in Received and in replies.</summary>
    public required string Hostname { get; init; }

    /// <summary>Largest message, octets.</summary>
    public long MaxMessageSize { get; init; } = 50L << 20;

    /// <summary>Most recipients of one message.</summary>
    public int MaxRecipients { get; init; } = 1000;

    /// <summary>True: recipients on other hosts are stored as held instead of due (demo).</summary>
    public bool HoldForeign { get; init; }

    /// <summary>The domain of the reverse-paths of forwarded mail; null for that of the address that forwards.</summary>
    public string? SrsDomain { get; init; }
}
