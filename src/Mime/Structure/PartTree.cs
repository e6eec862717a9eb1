namespace Posthorn.Mime.Structure;

/// <summary>One part of a message with the offsets of its octets. Limits: depth 64, 1,000 parts; past them the rest is one opaque part.</summary>
public sealed record Part
{
    /// <summary>Offset of the part's header in the message.</summary>
    public required long HeaderStart { get; init; }

    /// <summary>Offset of the part's body (after the empty line).</summary>
    public required long BodyStart { get; init; }

    /// <summary>Offset behind the last octet of the body.</summary>
    public required long End { get; init; }

    /// <summary>Lines of the body.</summary>
    public required long Lines { get; init; }

    /// <summary>Lower case, e.g. "text"; "text" / "plain" when absent or unreadable (RFC 2045 §5.2).</summary>
    public required string Type { get; init; }
    public required string Subtype { get; init; }

    /// <summary>Content-Type parameters, names in lower case, raw values (at most 200).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; init; } = [];

    /// <summary>Content-Transfer-Encoding in lower case; "7bit" when absent.</summary>
    public string Encoding { get; init; } = "7bit";

    /// <summary>Children of a multipart, or the one message of a message/rfc822.</summary>
    public IReadOnlyList<Part> Parts { get; init; } = [];
}

/// <summary>A message read once, in one pass, at ingest; kept in the store in a compact form.</summary>
public static class PartTree
{
    /// <summary>Reads a whole message. Never throws for bad mail; linear in time, bounded in memory.</summary>
    public static Part Read(Stream message) => throw new NotImplementedException();

    /// <inheritdoc cref="Read(Stream)"/>
    public static Part Read(ReadOnlySpan<byte> message) => throw new NotImplementedException();

    /// <summary>The compact, versioned form that the store keeps.</summary>
    public static byte[] Encode(Part root) => throw new NotImplementedException();

    /// <summary>The inverse of <see cref="Encode"/>; throws <see cref="FormatException"/> on anything else.</summary>
    public static Part Decode(ReadOnlySpan<byte> encoded) => throw new NotImplementedException();
}
