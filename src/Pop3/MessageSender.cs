using System.Buffers;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Pop3;

/// <summary>
/// Sends a stored message as a multi-line answer: prefix, then body, byte-stuffed. Small messages are read straight into
/// the output buffer, large ones are streamed.
/// </summary>
static class MessageSender
{
    const int Whole = 64 * 1024;
    const int Piece = 32 * 1024;
    const int LongestHeader = 1 << 20;

    /// <summary>Answers RETR (RFC 1939 §5). A body that is not what was stored throws before the first octet, or cuts the connection.</summary>
    internal static async ValueTask RetrieveAsync(Pop3Session session, StoredMessage message)
    {
        if (message.Prefix.Length + message.Blob.Length <= Whole) SendWhole(session, message);
        else
        {
            using var body = session.Server.Store.OpenBlob(message.Blob);
            var (head, from) = Head(session, message, body);
            var span = session.Connection.GetSpan(64);
            session.Connection.Advance(FormatSize(span, head.Length + body.Length - from));
            await StreamAsync(session, head, body, from, long.MaxValue).ConfigureAwait(false);
        }
        if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
    }

    /// <summary>Answers TOP (RFC 1939 §7): the header, the empty line, and so many lines of the body.</summary>
    internal static async ValueTask TopAsync(Pop3Session session, StoredMessage message, int lines)
    {
        using var body = session.Server.Store.OpenBlob(message.Blob);
        var (head, from) = Head(session, message, body);
        session.Write("+OK\r\n"u8);
        await StreamAsync(session, head, body, from, lines).ConfigureAwait(false);
        if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
    }

    static int FormatSize(Span<byte> span, long octets)
    {
        "+OK "u8.CopyTo(span);
        octets.TryFormat(span[4..], out var digits);
        " octets\r\n"u8.CopyTo(span[(4 + digits)..]);
        return 4 + digits + 9;
    }

    // Nothing is advanced in the output before the store has checked the body.
    static void SendWhole(Pop3Session session, StoredMessage message)
    {
        var connection = session.Connection;
        var prefix = message.Prefix.AsSpan();
        var length = (int)message.Blob.Length;
        var span = connection.GetSpan(64 + prefix.Length + length + 8);
        var head = FormatSize(span, prefix.Length + length);
        var at = head;
        prefix.CopyTo(span[at..]);
        at += prefix.Length;
        using (var body = session.Server.Store.ReadBlob(message.Blob)) body.Memory.Span.CopyTo(span.Slice(at, length));
        at += length;
        var text = span[head..at];
        var surrogate = !session.Utf8 && Utf8Surrogate.IsNeeded(text[..Utf8Surrogate.HeaderLength(text)]);
        if (surrogate || !DotStuffing.IsPlain(text, true))
        {
            SendChanged(connection, text, surrogate);
            return;
        }
        at += EndOfText(text, span[at..]);
        connection.Advance(at);
    }

    static void SendChanged(Connection connection, ReadOnlySpan<byte> text, bool surrogate)
    {
        var header = surrogate ? Utf8Surrogate.HeaderLength(text) : 0;
        byte[] changed = surrogate ? [.. Utf8Surrogate.Rewrite(text[..header]), .. text[header..]] : text.ToArray();
        var span = connection.GetSpan(64 + DotStuffing.Room(changed.Length) + 8);
        var at = FormatSize(span, changed.Length);
        var lineStart = true;
        at += DotStuffing.Copy(changed, span[at..], ref lineStart);
        at += EndOfText(changed, span[at..]);
        connection.Advance(at);
    }

    /// <summary>Writes the CRLF that the text lacks and the line that ends the answer; returns the octets written.</summary>
    static int EndOfText(ReadOnlySpan<byte> text, Span<byte> to)
    {
        var end = text.IsEmpty || text.EndsWith("\r\n"u8) ? ".\r\n"u8 : text[^1] == '\r' ? "\n.\r\n"u8 : "\r\n.\r\n"u8;
        end.CopyTo(to);
        return end.Length;
    }

    /// <summary>
    /// What goes out before the body is streamed, and where in the body streaming begins: the prefix and 0, or the
    /// rewritten header and its end. Reads from the body, so damage found on opening shows before the answer begins.
    /// </summary>
    static (byte[] Head, long From) Head(Pop3Session session, StoredMessage message, BlobReader body)
    {
        var taken = (int)Math.Min(body.Length, Piece);
        while (true)
        {
            var text = new byte[message.Prefix.Length + taken];
            message.Prefix.CopyTo(text, 0);
            Fill(body, 0, text.AsSpan(message.Prefix.Length));
            if (session.Utf8) return (message.Prefix, 0);
            var header = Utf8Surrogate.HeaderLength(text);
            if (header == text.Length && taken < body.Length && taken < LongestHeader)
            {
                taken = (int)Math.Min(body.Length, taken * 2);
                continue;
            }
            if (header < message.Prefix.Length || !Utf8Surrogate.IsNeeded(text.AsSpan(0, header))) return (message.Prefix, 0);
            return (Utf8Surrogate.Rewrite(text.AsSpan(0, header)), header - message.Prefix.Length);
        }
    }

    static void Fill(BlobReader reader, long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var n = reader.Read(offset, into);
            if (n <= 0) throw new StoreDamageException($"body ends at {offset} of {reader.Length} octets");
            offset += n;
            into = into[n..];
        }
    }

    static async ValueTask StreamAsync(Pop3Session session, byte[] head, BlobReader body, long from, long bodyLines)
    {
        session.InAnswer = true;
        var connection = session.Connection;
        var lines = new LineLimit(bodyLines);
        var state = new TextState();
        var more = WritePiece(connection, head, ref lines, ref state);
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (more && from < body.Length)
            {
                var n = (int)Math.Min(Piece, body.Length - from);
                Fill(body, from, buffer.AsSpan(0, n));
                from += n;
                more = WritePiece(connection, buffer.AsSpan(0, n), ref lines, ref state);
                if (connection.ShouldFlush) await connection.FlushAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        connection.Advance(EndOfText(state.Last, connection.GetSpan(8)));
        session.InAnswer = false;
    }

    /// <summary>What the end of a piece means for the next one.</summary>
    struct TextState()
    {
        byte _beforeLast, _last;
        bool _any;
        internal bool LineStart = true;

        internal void Add(ReadOnlySpan<byte> piece)
        {
            _beforeLast = piece.Length > 1 ? piece[^2] : _last;
            _last = piece[^1];
            _any = true;
        }

        /// <summary>The last two octets of the text; none for an empty text.</summary>
        internal readonly byte[] Last => _any ? [_beforeLast, _last] : [];
    }

    static bool WritePiece(Connection connection, ReadOnlySpan<byte> text, ref LineLimit lines, ref TextState state)
    {
        var take = lines.Take(text);
        var piece = text[..take];
        if (piece.IsEmpty) return take == text.Length;
        connection.Advance(DotStuffing.Copy(piece, connection.GetSpan(DotStuffing.Room(piece.Length)), ref state.LineStart));
        state.Add(piece);
        return take == text.Length;
    }
}
