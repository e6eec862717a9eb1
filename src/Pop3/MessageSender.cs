using System.Buffers;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Pop3;

/// <summary>
/// Sends a stored message as a multi-line answer: prefix, then body, byte-stuffed, streamed. Small messages are read
/// straight into the output buffer.
/// </summary>
static class MessageSender
{
    const int Whole = 64 * 1024;
    const int Piece = 32 * 1024;

    static ReadOnlySpan<byte> End => ".\r\n"u8;

    /// <summary>Answers RETR (RFC 1939 §5). A body that is not what was stored throws before the first octet, or cuts the connection.</summary>
    internal static async ValueTask RetrieveAsync(Pop3Session session, StoredMessage message)
    {
        if (message.Prefix.Length + message.Blob.Length <= Whole)
        {
            SendWhole(session, message);
        }
        else
        {
            using var body = session.Server.Store.OpenBlob(message.Blob);
            WriteSize(session.Connection, message);
            await StreamAsync(session, message.Prefix, body, long.MaxValue).ConfigureAwait(false);
        }
        if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
    }

    /// <summary>Answers TOP (RFC 1939 §7): the header, the empty line, and so many lines of the body.</summary>
    internal static async ValueTask TopAsync(Pop3Session session, StoredMessage message, int lines)
    {
        using var body = session.Server.Store.OpenBlob(message.Blob);
        // One read before the answer begins, so that damage found on opening can still be said.
        ReadFirst(body);
        session.Write("+OK\r\n"u8);
        await StreamAsync(session, message.Prefix, body, lines).ConfigureAwait(false);
        if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
    }

    static void ReadFirst(BlobReader body)
    {
        Span<byte> one = stackalloc byte[1];
        body.Read(0, one);
    }

    static void WriteSize(Connection connection, StoredMessage message)
    {
        var span = connection.GetSpan(64);
        connection.Advance(FormatSize(span, message));
    }

    static int FormatSize(Span<byte> span, StoredMessage message)
    {
        "+OK "u8.CopyTo(span);
        (message.Prefix.Length + message.Blob.Length).TryFormat(span[4..], out var digits);
        " octets\r\n"u8.CopyTo(span[(4 + digits)..]);
        return 4 + digits + 9;
    }

    // Nothing is committed to the output before the store has checked the body.
    static void SendWhole(Pop3Session session, StoredMessage message)
    {
        var connection = session.Connection;
        var prefix = message.Prefix.AsSpan();
        var length = (int)message.Blob.Length;
        var span = connection.GetSpan(64 + prefix.Length + length + 8);
        var at = FormatSize(span, message);
        var head = at;
        prefix.CopyTo(span[at..]);
        at += prefix.Length;
        ReadBody(session.Server.Store, message.Blob, span.Slice(at, length));
        at += length;
        var text = span[head..at];
        if (!DotStuffing.IsPlain(text, true))
        {
            SendStuffed(connection, head, text);
            return;
        }
        if (text.Length > 0 && !text.EndsWith("\r\n"u8)) at += CopyTo(text[^1] == '\r' ? "\n"u8 : "\r\n"u8, span[at..]);
        at += CopyTo(End, span[at..]);
        connection.Advance(at);
    }

    static void SendStuffed(Connection connection, int head, ReadOnlySpan<byte> text)
    {
        var copy = ArrayPool<byte>.Shared.Rent(text.Length);
        text.CopyTo(copy);
        text = copy.AsSpan(0, text.Length);
        connection.Advance(head); // the +OK line stands in front
        var span = connection.GetSpan(DotStuffing.Room(text.Length) + 8);
        var lineStart = true;
        var at = DotStuffing.Copy(text, span, ref lineStart);
        if (!text.EndsWith("\r\n"u8)) at += CopyTo(text[^1] == '\r' ? "\n"u8 : "\r\n"u8, span[at..]);
        at += CopyTo(End, span[at..]);
        connection.Advance(at);
        ArrayPool<byte>.Shared.Return(copy);
    }

    static int CopyTo(ReadOnlySpan<byte> octets, Span<byte> to)
    {
        octets.CopyTo(to);
        return octets.Length;
    }

    static void ReadBody(MailStore store, BlobLocation blob, Span<byte> into)
    {
        using var reader = store.OpenBlob(blob);
        Fill(reader, 0, into);
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

    static async ValueTask StreamAsync(Pop3Session session, byte[] prefix, BlobReader body, long bodyLines)
    {
        session.InAnswer = true;
        var connection = session.Connection;
        var lines = new LineLimit(bodyLines);
        var state = new StuffState();
        var more = WritePiece(connection, prefix, ref lines, ref state);
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            for (var offset = 0L; more && offset < body.Length;)
            {
                var n = (int)Math.Min(Piece, body.Length - offset);
                Fill(body, offset, buffer.AsSpan(0, n));
                offset += n;
                more = WritePiece(connection, buffer.AsSpan(0, n), ref lines, ref state);
                if (connection.ShouldFlush) await connection.FlushAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (!state.LineStart) connection.Write(state.AfterCr ? "\n"u8 : "\r\n"u8);
        connection.Write(End);
        session.InAnswer = false;
    }

    struct StuffState()
    {
        internal bool LineStart = true;
        internal bool AfterCr = false;
    }

    static bool WritePiece(Connection connection, ReadOnlySpan<byte> text, ref LineLimit lines, ref StuffState state)
    {
        var take = lines.Take(text);
        var piece = text[..take];
        if (piece.IsEmpty) return take == text.Length;
        connection.Advance(DotStuffing.Copy(piece, connection.GetSpan(DotStuffing.Room(piece.Length)), ref state.LineStart));
        state.AfterCr = piece[^1] == '\r';
        return take == text.Length;
    }
}
