using System.Buffers;
using Posthorn.Mime.Headers;
using Posthorn.Storage;

namespace Posthorn.Delivery.Inbound;

/// <summary>Takes Return-Path fields out of a message that came with some.</summary>
static class ReturnPathField
{
    /// <summary>Copies <paramref name="message"/> without them into <paramref name="into"/>, which is returned.</summary>
    internal static BlobWriter Strip(BlobWriter message, BlobWriter into)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(message.Length, HeaderSummary.MaxHeader) + (64 << 10));
        try
        {
            using var stream = message.OpenRead();
            var n = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            var rest = buffer.AsSpan(0, n);
            while (rest.Length > 0 && HeaderField.Next(rest, out var length, out var name))
            {
                if (!System.Text.Ascii.EqualsIgnoreCase(name, "return-path"u8)) into.Write(rest[..length]);
                rest = rest[length..];
            }
            while (rest.Length > 0)
            {
                into.Write(rest);
                rest = buffer.AsSpan(0, stream.Read(buffer));
            }
            return into;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
