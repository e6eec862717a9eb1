using System.Buffers;
using Posthorn.Imap.Grammar;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Sections;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Session;

/// <summary>Writes text out of a message: sections, chosen header fields, decoded parts. What is large is streamed.</summary>
sealed class BodyWriter(ImapSession session)
{
    const int Piece = 32 << 10;

    /// <summary>Octets of a header whose chosen fields are held; those of a larger one are gone through twice.</summary>
    const int MostFields = 256 << 10;

    /// <summary>Set when an item could not be given though the rest was.</summary>
    internal Reply? Refusal { get; private set; }

    Connection Connection => session.Connection;

    ResponseWriter Out => session.Out;

    /// <summary>The whole message, byte for byte.</summary>
    internal ValueTask WholeAsync(MessageSource source) => LiteralAsync(source, new OctetRange(0, source.Length));

    /// <summary>A section, or NIL where the message has none such.</summary>
    internal async ValueTask SectionAsync(MessageSource source, Section section, Partial? partial)
    {
        OctetRange range;
        if (section is { Path.Count: 0, What: SectionText.Whole }) range = new OctetRange(0, source.Length);
        else if (!SectionResolver.TryResolve(source.Root, source.PrefixLength, section, out range))
        {
            Out.Nil();
            return;
        }
        if (section.What is SectionText.HeaderFields or SectionText.HeaderFieldsNot) await FieldsAsync(source, section, range, partial).ConfigureAwait(false);
        else await LiteralAsync(source, partial is { } part ? range.Slice(part.Offset, part.Count) : range).ConfigureAwait(false);
    }

    async ValueTask FieldsAsync(MessageSource source, Section section, OctetRange header, Partial? partial)
    {
        if (header.Length <= MostFields)
        {
            var fields = new ArrayBufferWriter<byte>(512);
            await FilterAsync(source, section, header, fields, flush: false).ConfigureAwait(false);
            var slice = Slice(fields.WrittenCount, partial);
            Out.LiteralMark(slice.Length);
            Out.Raw(fields.WrittenSpan.Slice((int)slice.Start, (int)slice.Length));
            return;
        }
        var counter = new OctetCounter();
        await FilterAsync(source, section, header, counter, flush: false).ConfigureAwait(false);
        var window = Slice(counter.Count, partial);
        Out.LiteralMark(window.Length);
        session.InLiteral = true;
        await FilterAsync(source, section, header, new WindowWriter(Connection, window), flush: true).ConfigureAwait(false);
        session.InLiteral = false;
    }

    static OctetRange Slice(long length, Partial? partial) => partial is { } p ? new OctetRange(0, length).Slice(p.Offset, p.Count) : new OctetRange(0, length);

    async ValueTask FilterAsync(MessageSource source, Section section, OctetRange header, IBufferWriter<byte> into, bool flush)
    {
        var filter = new HeaderFieldsFilter(section.Fields!, section.What == SectionText.HeaderFieldsNot);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Piece, Math.Max(header.Length, 1)));
        try
        {
            for (var at = 0L; at < header.Length;)
            {
                var n = (int)Math.Min(buffer.Length, header.Length - at);
                source.Read(header.Start + at, buffer.AsSpan(0, n));
                filter.Write(buffer.AsSpan(0, n), into);
                at += n;
                if (flush && Connection.ShouldFlush) await Connection.FlushAsync().ConfigureAwait(false);
            }
            filter.End(into);
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    /// <summary>Streams octets of the message as they are; what is large is never held.</summary>
    async ValueTask LiteralAsync(MessageSource source, OctetRange range)
    {
        Out.LiteralMark(range.Length);
        session.InLiteral = true;
        for (var at = 0L; at < range.Length;)
        {
            var n = (int)Math.Min(Piece, range.Length - at);
            source.Read(range.Start + at, Connection.GetSpan(n)[..n]);
            Connection.Advance(n);
            at += n;
            if (Connection.ShouldFlush) await Connection.FlushAsync().ConfigureAwait(false);
        }
        session.InLiteral = false;
    }

    /// <summary>BINARY (RFC 3516 §4.2): decoded twice, to count and to send, so that no part is ever held.</summary>
    internal async ValueTask BinaryAsync(MessageSource source, FetchItem item)
    {
        if (!SectionResolver.TryResolveBinary(source.Root, source.PrefixLength, item.Section!.Path, out var range, out var encoding))
        {
            Out.Nil();
            return;
        }
        if (TransferDecoder.For(encoding) is null)
        {
            Out.Nil();
            // RFC 3516 §4.3
            Refusal = Reply.No("UNKNOWN-CTE", "a part has an encoding that is not known");
            return;
        }
        var counter = new OctetCounter();
        await DecodeAsync(source, range, encoding, counter, flush: false).ConfigureAwait(false);
        var slice = Slice(counter.Count, item.Partial);
        Out.LiteralMark(slice.Length, binary: true);
        session.InLiteral = true;
        await DecodeAsync(source, range, encoding, new WindowWriter(Connection, slice), flush: true).ConfigureAwait(false);
        session.InLiteral = false;
    }

    /// <summary>BINARY.SIZE: octets of the decoded part.</summary>
    internal async ValueTask BinarySizeAsync(MessageSource source, FetchItem item)
    {
        if (!SectionResolver.TryResolveBinary(source.Root, source.PrefixLength, item.Section!.Path, out var range, out var encoding) || TransferDecoder.For(encoding) is null)
        {
            Out.Number(0);
            Refusal = Reply.No("UNKNOWN-CTE", "a part is not there, or has an encoding that is not known");
            return;
        }
        var counter = new OctetCounter();
        await DecodeAsync(source, range, encoding, counter, flush: false).ConfigureAwait(false);
        Out.Number(counter.Count);
    }

    async ValueTask DecodeAsync(MessageSource source, OctetRange range, string encoding, IBufferWriter<byte> into, bool flush)
    {
        var decoder = TransferDecoder.For(encoding)!;
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            for (var at = 0L; at < range.Length;)
            {
                var n = (int)Math.Min(Piece, range.Length - at);
                source.Read(range.Start + at, buffer.AsSpan(0, n));
                decoder.Decode(buffer.AsSpan(0, n), into);
                at += n;
                if (flush && Connection.ShouldFlush) await Connection.FlushAsync().ConfigureAwait(false);
            }
            decoder.End(into);
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    /// <summary>Passes on those octets that are in a window.</summary>
    sealed class WindowWriter(Connection connection, OctetRange window) : IBufferWriter<byte>
    {
        byte[] _scratch = new byte[8192];
        long _at;

        public void Advance(int count)
        {
            var from = (int)Math.Clamp(window.Start - _at, 0, count);
            var to = (int)Math.Clamp(window.Start + window.Length - _at, 0, count);
            if (from < to) connection.Write(_scratch.AsSpan(from, to - from));
            _at += count;
        }

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (sizeHint > _scratch.Length) _scratch = new byte[sizeHint];
            return _scratch;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
