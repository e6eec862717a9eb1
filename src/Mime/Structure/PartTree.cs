using System.Buffers;

namespace Posthorn.Mime.Structure;

/// <summary>A message read once, in one pass, at ingest; kept in the store in a compact form.</summary>
public static class PartTree
{
    /// <summary>Deepest part; the message itself is at depth 1.</summary>
    public const int MaxDepth = 64;

    /// <summary>Most parts of a message, itself included.</summary>
    public const int MaxParts = 1000;

    /// <summary>Most Content-Type parameters of a part.</summary>
    public const int MaxParameters = 200;

    /// <summary>Most octets of header text that are kept of a message (parameters, envelopes); what comes later is absent.</summary>
    internal const int MaxText = 256 << 10;

    /// <summary>The window that a stream is read through. A line that is longer cannot be a boundary; a field is cut at half of it.</summary>
    internal const int Window = 2 * Headers.HeaderSummary.MaxField;

    /// <summary>Reads a whole message. Never throws for bad mail; linear in time, bounded in memory.</summary>
    /// <param name="message">The body as it is stored; offsets count from its start.</param>
    /// <param name="prefix">The header lines stored before it, whose fields belong to the envelope.</param>
    public static Part Read(Stream message, ReadOnlySpan<byte> prefix = default)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Window);
        try
        {
            var window = buffer.AsSpan(0, Window);
            var reader = new PartReader(prefix);
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

    /// <inheritdoc cref="Read(Stream, ReadOnlySpan{byte})"/>
    public static Part Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> prefix = default)
    {
        var reader = new PartReader(prefix);
        reader.Feed(message, final: true);
        return reader.Finish();
    }

    /// <summary>The compact, versioned form that the store keeps; <see cref="StoredStructure"/> takes IMAP text out of it.</summary>
    public static byte[] Encode(Part root) => PartCodec.Encode(root);

    /// <summary>The inverse of <see cref="Encode"/>; throws <see cref="FormatException"/> on anything else.</summary>
    public static Part Decode(ReadOnlySpan<byte> encoded) => PartCodec.Decode(encoded);
}
