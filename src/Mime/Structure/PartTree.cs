using System.Buffers;

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

    /// <summary>Lines of the body; a last line without an end counts.</summary>
    public required long Lines { get; init; }

    /// <summary>
    /// Lower case, e.g. "text"; "text" / "plain" when absent or unreadable (RFC 2045 §5.2), "message" / "rfc822" when absent
    /// in a multipart/digest (RFC 2046 §5.1.5), "application" / "octet-stream" past a limit. A multipart may be without parts.
    /// </summary>
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
    /// <summary>Deepest part; the message itself is at depth 1.</summary>
    public const int MaxDepth = 64;

    /// <summary>Most parts of a message, itself included.</summary>
    public const int MaxParts = 1000;

    /// <summary>Most Content-Type parameters of a part.</summary>
    public const int MaxParameters = 200;

    /// <summary>The window that a stream is read through. A line that is longer cannot be a boundary; a field is cut there.</summary>
    internal const int Window = 64 << 10;

    /// <summary>Reads a whole message. Never throws for bad mail; linear in time, bounded in memory.</summary>
    public static Part Read(Stream message)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Window);
        try
        {
            var window = buffer.AsSpan(0, Window);
            var reader = new PartReader();
            var filled = 0;
            while (true)
            {
                var n = message.ReadAtLeast(window[filled..], window.Length - filled, throwOnEndOfStream: false);
                var final = n < window.Length - filled;
                filled += n;
                var keepFrom = reader.Feed(window[..filled], final);
                if (final) return reader.Finish();
                window[keepFrom..filled].CopyTo(window);
                filled -= keepFrom;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc cref="Read(Stream)"/>
    public static Part Read(ReadOnlySpan<byte> message)
    {
        var reader = new PartReader();
        reader.Feed(message, final: true);
        return reader.Finish();
    }

    /// <summary>The compact, versioned form that the store keeps.</summary>
    public static byte[] Encode(Part root) => PartCodec.Encode(root);

    /// <summary>The inverse of <see cref="Encode"/>; throws <see cref="FormatException"/> on anything else.</summary>
    public static Part Decode(ReadOnlySpan<byte> encoded) => PartCodec.Decode(encoded);
}
