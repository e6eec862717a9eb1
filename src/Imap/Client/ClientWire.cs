using System.Buffers;
using System.Globalization;
using System.Text;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Client;

/// <summary>How a command ended.</summary>
/// <param name="Word">OK, NO or BAD.</param>
/// <param name="Text">What was said with it, clean.</param>
readonly record struct Tagged(string Word, string Text)
{
    internal bool Ok => Word == "OK";
}

/// <summary>Commands out, responses in: whole in memory up to a limit, but for the texts of messages, which are streamed.</summary>
sealed class ClientWire(Connection connection)
{
    /// <summary>Octets of one response without the text of a message.</summary>
    const int MostResponse = 4 << 20;

    /// <summary>A text whose UID comes behind it has to be kept until then.</summary>
    const int MostKept = 64 << 20;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    readonly ArrayBufferWriter<byte> _response = new();
    int _tags;

    internal Connection Connection => connection;

    /// <summary>Writes a command and reads to its end.</summary>
    /// <param name="command">Without tag and line end.</param>
    /// <param name="untagged">Gets each response, without "* " and line end; valid during the call.</param>
    /// <param name="texts">Gets the texts of FETCH BODY[]; null where none is asked for.</param>
    /// <param name="continued">The answer to a request for more; null to give up.</param>
    internal async ValueTask<Tagged> RunAsync(string command, Action<ReadOnlyMemory<byte>>? untagged = null, IRemoteText? texts = null, Func<string, byte[]?>? continued = null)
    {
        var tag = string.Create(CultureInfo.InvariantCulture, $"p{++_tags}");
        connection.Write(Encoding.UTF8.GetBytes($"{tag} {command}\r\n"));
        await connection.FlushAsync().ConfigureAwait(false);
        while (true)
        {
            var response = await ReadAsync(texts).ConfigureAwait(false);
            var span = response.Span;
            if (span.StartsWith("* "u8))
            {
                // RFC 9051 §7.1.5
                if (span.StartsWith("* BYE"u8) && command != "LOGOUT") throw new ImapClientException("the server ended the session: " + CleanText.Of(span[5..]));
                untagged?.Invoke(response[2..]);
            }
            else if (span.Length > 0 && span[0] == '+')
            {
                var answer = continued?.Invoke(Encoding.ASCII.GetString(span[1..]).Trim());
                // RFC 9051 §6.2.2: a lone asterisk gives up.
                connection.Write(answer ?? "*"u8);
                connection.Write("\r\n"u8);
                await connection.FlushAsync().ConfigureAwait(false);
            }
            else if (Encoding.ASCII.GetString(span) is var line && line.StartsWith(tag + " ", StringComparison.Ordinal))
            {
                var word = line[(tag.Length + 1)..].Split(' ', 2);
                return new Tagged(word[0].ToUpperInvariant(), CleanText.Of(span[Math.Min(span.Length, tag.Length + 1 + word[0].Length)..]));
            }
            else throw new ImapClientException("this is no IMAP server: it said \"" + CleanText.Of(span[..Math.Min(span.Length, 80)]) + "\"");
        }
    }

    /// <summary>One response without its line end; valid until the next one.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(IRemoteText? texts)
    {
        _response.ResetWrittenCount();
        (ArrayBufferWriter<byte> Text, bool Any) kept = (null!, false);
        while (true)
        {
            var line = _response.WrittenCount;
            await LineAsync().ConfigureAwait(false);
            if (!TryLiteral(_response.WrittenSpan[line..], out var length, out var head)) break;
            head += line;
            if (texts is not null && IsText(_response.WrittenSpan[..head]))
            {
                // What follows is read as if there had been no text.
                Cut(head);
                if (UidOf(_response.WrittenSpan) is > 0 and var uid) await StreamAsync(length, uid, texts).ConfigureAwait(false);
                else
                {
                    if (length > MostKept) throw new ImapClientException($"the server sends a text of {length} octets before it says of which message");
                    kept = (new ArrayBufferWriter<byte>((int)Math.Max(1, length)), true);
                    await TakeAsync(length, kept.Text).ConfigureAwait(false);
                }
                _response.Write("NIL"u8);
                continue;
            }
            _response.Write("\r\n"u8);
            if (length + _response.WrittenCount > MostResponse) throw TooLarge();
            await TakeAsync(length, _response).ConfigureAwait(false);
        }
        if (kept.Any && UidOf(_response.WrittenSpan) is > 0 and var late && texts is not null)
        {
            await texts.BeginAsync(late, kept.Text.WrittenCount).ConfigureAwait(false);
            await texts.WriteAsync(kept.Text.WrittenMemory).ConfigureAwait(false);
            await texts.EndAsync().ConfigureAwait(false);
        }
        return _response.WrittenMemory;
    }

    /// <summary>True for the beginning of a FETCH that stands before the text of a message.</summary>
    static bool IsText(ReadOnlySpan<byte> head) => head.StartsWith("* "u8) && head.EndsWith("BODY[] "u8) && head.IndexOf(" FETCH "u8) is > 0 and < 14;

    static uint UidOf(ReadOnlySpan<byte> response)
    {
        var open = response.IndexOf((byte)'(');
        if (open < 0) return 0;
        var words = new ResponseText(response[(open + 1)..]);
        while (!words.AtEnd && words.Peek != ')')
        {
            if (words.Word().Equals("UID", StringComparison.OrdinalIgnoreCase)) return words.Number();
            words.Skip();
            words.Spaces();
        }
        return 0;
    }

    async ValueTask StreamAsync(long length, uint uid, IRemoteText texts)
    {
        await texts.BeginAsync(uid, length).ConfigureAwait(false);
        while (length > 0)
        {
            if (connection.Buffered.Length == 0) await FillAsync(64 << 10).ConfigureAwait(false);
            var piece = connection.Buffered[..(int)Math.Min(length, connection.Buffered.Length)];
            await texts.WriteAsync(piece).ConfigureAwait(false);
            length -= piece.Length;
            connection.Consume(piece.Length);
        }
        await texts.EndAsync().ConfigureAwait(false);
    }

    async ValueTask TakeAsync(long length, ArrayBufferWriter<byte> into)
    {
        while (length > 0)
        {
            if (connection.Buffered.Length == 0) await FillAsync(64 << 10).ConfigureAwait(false);
            var piece = connection.Buffered[..(int)Math.Min(length, connection.Buffered.Length)];
            into.Write(piece.Span);
            length -= piece.Length;
            connection.Consume(piece.Length);
        }
    }

    async ValueTask LineAsync()
    {
        var scanned = 0;
        while (true)
        {
            var at = connection.Buffered.Span[scanned..].IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = connection.Buffered.Span[..(scanned + at)];
                _response.Write(line.EndsWith("\r"u8) ? line[..^1] : line);
                connection.Consume(scanned + at + 1);
                return;
            }
            scanned = connection.Buffered.Length;
            if (scanned + _response.WrittenCount > MostResponse) throw TooLarge();
            await FillAsync(4096).ConfigureAwait(false);
        }
    }

    async ValueTask FillAsync(int room)
    {
        if (await connection.FillAsync(Patience, room).ConfigureAwait(false) == LineStatus.Line) return;
        throw new ImapClientException(connection.TimedOut ? $"the server said nothing for {Patience.TotalMinutes:0} minutes" : "the server closed the connection");
    }

    static ImapClientException TooLarge() => new($"the server sends a response of more than {MostResponse >> 20} MB");

    /// <summary>True when the line ends with the mark of a literal.</summary>
    static bool TryLiteral(ReadOnlySpan<byte> text, out long length, out int head)
    {
        (length, head) = (0, 0);
        if (!text.EndsWith("}"u8)) return false;
        var open = text.LastIndexOf((byte)'{');
        if (open < 0 || !long.TryParse(Encoding.ASCII.GetString(text[(open + 1)..^1]), NumberStyles.None, CultureInfo.InvariantCulture, out length)) return false;
        head = open > 0 && text[open - 1] == '~' ? open - 1 : open; // a literal8 (RFC 3516)
        return true;
    }

    void Cut(int length)
    {
        var text = _response.WrittenSpan[..length].ToArray();
        _response.ResetWrittenCount();
        _response.Write(text);
    }
}

/// <summary>Words of a server in one line, without a control character.</summary>
static class CleanText
{
    internal static string Of(ReadOnlySpan<byte> octets) =>
        new([.. Encoding.UTF8.GetString(octets).Trim().Select(static c => char.IsControl(c) || c is '\u2028' or '\u2029' ? '?' : c)]);
}
