using System.Buffers;
using System.Text;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// Takes commands off a connection: lines, small literals in their place, messages left to the session. Every size has a
/// limit before anything is stored, and each call has one deadline, however slowly its octets drip in.
/// </summary>
/// <remarks>A command without literals is not copied: its text lies in the connection's buffer until the next read.</remarks>
sealed class CommandReader(Connection connection, TimeProvider time) : IDisposable
{
    /// <summary>Octets kept of a line that is too long: the tag at its start, and what may be a mark at its end.</summary>
    const int Kept = 64;

    /// <summary>Octets of a line that is too long that are read to find its end; who sends more of it is cut off.</summary>
    const int MostDropped = 1 << 20;

    byte[] _text = [];
    int _length;
    int _lines, _literals; // octets of this command, or of this piece of it
    bool _continued;

    /// <summary>The limits for commands that begin from now on.</summary>
    internal ImapLimits Limits { get; set; } = ImapLimits.Stranger;

    /// <summary>Octets of a message that may come without our asking: few, until somebody has logged in (RFC 7888).</summary>
    internal long MostUnasked { get; set; } = ImapLimits.NonSynchronizing;

    /// <summary>Reads the next command, to its end or up to a literal that is to be streamed.</summary>
    internal ValueTask<CommandFrame> ReadAsync(TimeSpan timeout) => PiecesAsync(timeout, continued: false);

    /// <summary>
    /// Reads what follows a streamed literal: the rest of the command, or up to the next such literal (RFC 3502). Each such
    /// piece has the limits of a command, or no client could append many messages at once.
    /// </summary>
    internal ValueTask<CommandFrame> ContinueAsync(TimeSpan timeout) => PiecesAsync(timeout, continued: true);

    async ValueTask<CommandFrame> PiecesAsync(TimeSpan timeout, bool continued)
    {
        Dispose();
        _lines = _literals = 0;
        _continued = continued;
        var deadline = time.GetTimestamp() + (long)(timeout.TotalSeconds * time.TimestampFrequency);
        if (!continued) connection.IdlePoint(true);
        var line = await LineAsync(deadline).ConfigureAwait(false);
        if (!continued) connection.IdlePoint(false);
        while (line.Status == FrameStatus.Command)
        {
            var marked = LiteralMark.TryRead(line.Text.Span, out var mark);
            if (!marked && _length == 0) return line;
            Add(line.Text.Span);
            if (!marked) return new CommandFrame(FrameStatus.Command, _text.AsMemory(0, _length));
            var text = _text.AsMemory(0, _length - mark.MarkLength);
            if (!mark.Synchronizing && mark.Size > MostUnasked) return new CommandFrame(FrameStatus.Flooded, text, mark);
            if (StreamedLiterals.IsMessage(text.Span, _continued)) return new CommandFrame(FrameStatus.Literal, text, mark);
            var limits = LimitsOf(text.Span);
            if (mark.Size > limits.Literal || mark.Size > limits.Literals - _literals)
                return new CommandFrame(mark.Synchronizing ? FrameStatus.LiteralTooBig : FrameStatus.Flooded, text, mark);
            _literals += (int)mark.Size;
            Add("\r\n"u8);
            GoOn(mark);
            var status = await LiteralAsync((int)mark.Size, deadline).ConfigureAwait(false);
            if (status != FrameStatus.Command) return new CommandFrame(status, default);
            line = await LineAsync(deadline).ConfigureAwait(false);
        }
        return line with { Text = _text.AsMemory(0, _length) };
    }

    /// <summary>
    /// Takes a literal that is to be streamed, asking for it where the client waits to be asked.
    /// </summary>
    /// <param name="mark">The literal that the last frame stopped at.</param>
    /// <param name="sink">Gets the octets, valid only during the call.</param>
    /// <param name="timeout">How long nothing may come.</param>
    /// <returns><see cref="FrameStatus.Command"/> when all came, or why not.</returns>
    internal async ValueTask<FrameStatus> StreamAsync(LiteralMark mark, Func<ReadOnlyMemory<byte>, ValueTask> sink, TimeSpan timeout)
    {
        GoOn(mark);
        for (var left = mark.Size; left > 0;)
        {
            if (connection.Buffered.Length == 0)
            {
                var status = await connection.FillAsync(timeout, room: 32 << 10).ConfigureAwait(false);
                if (status != LineStatus.Line) return Ended(status);
            }
            var piece = connection.Buffered[..(int)Math.Min(left, connection.Buffered.Length)];
            await sink(piece).ConfigureAwait(false);
            connection.Consume(piece.Length);
            left -= piece.Length;
        }
        return FrameStatus.Command;
    }

    /// <summary>
    /// Leaves a command that stopped at a literal. A client that waits to be asked is not asked, and what it sends next is a
    /// new command; one that did not wait has its octets taken, and the rest of the command with them.
    /// </summary>
    /// <returns>
    /// <see cref="FrameStatus.Command"/> when the next command can be read; anything else ends the session,
    /// <see cref="FrameStatus.Flooded"/> with <c>BYE</c>.
    /// </returns>
    internal async ValueTask<FrameStatus> RefuseAsync(LiteralMark mark, TimeSpan timeout)
    {
        while (!mark.Synchronizing)
        {
            var status = await StreamAsync(mark, static _ => default, timeout).ConfigureAwait(false);
            if (status != FrameStatus.Command) return status;
            var rest = await ContinueAsync(timeout).ConfigureAwait(false);
            if (rest.Status is FrameStatus.TooLong or FrameStatus.LiteralTooBig) break;
            if (rest.Status != FrameStatus.Literal) return rest.Status;
            mark = rest.Literal;
        }
        return FrameStatus.Command;
    }

    void GoOn(LiteralMark mark)
    {
        if (mark.Synchronizing) connection.Write("+ OK\r\n"u8);
    }

    /// <summary>One line, without its CRLF, in the connection's buffer.</summary>
    async ValueTask<CommandFrame> LineAsync(long deadline)
    {
        var (scanned, dropped) = (0, 0);
        var tooLong = false;
        while (true)
        {
            var input = connection.Buffered;
            var at = input.Span[scanned..].IndexOf("\r\n"u8);
            var end = at < 0 ? input.Length : scanned + at;
            if (!tooLong && _lines + end > LimitsOf(_length > 0 ? _text.AsSpan(0, _length) : input.Span).Line)
            {
                tooLong = true;
                if (_length == 0) Add(input.Span[..Math.Min(Kept, end)]);
            }
            if (at >= 0)
            {
                var text = input[..end];
                connection.Consume(end + 2);
                _lines += end + 2;
                if (!tooLong) return new CommandFrame(FrameStatus.Command, text);
                // Octets that come unasked behind such a line would be taken for commands.
                return new CommandFrame(LiteralMark.TryRead(text.Span, out var mark) && !mark.Synchronizing ? FrameStatus.Flooded : FrameStatus.TooLong, default);
            }
            if (tooLong && input.Length > Kept)
            {
                dropped += input.Length - Kept;
                if (dropped > MostDropped) return new CommandFrame(FrameStatus.Flooded, default);
                connection.Consume(input.Length - Kept);
                scanned = Kept - 1;
            }
            else scanned = Math.Max(0, input.Length - 1);
            var status = await FillAsync(deadline).ConfigureAwait(false);
            if (status != LineStatus.Line) return new CommandFrame(Ended(status), default);
        }
    }

    async ValueTask<FrameStatus> LiteralAsync(int size, long deadline)
    {
        while (size > 0)
        {
            if (connection.Buffered.Length == 0)
            {
                var status = await FillAsync(deadline).ConfigureAwait(false);
                if (status != LineStatus.Line) return Ended(status);
            }
            var piece = connection.Buffered[..Math.Min(size, connection.Buffered.Length)];
            Add(piece.Span);
            connection.Consume(piece.Length);
            size -= piece.Length;
        }
        return FrameStatus.Command;
    }

    ValueTask<LineStatus> FillAsync(long deadline)
    {
        var left = time.GetElapsedTime(time.GetTimestamp(), deadline);
        return left > TimeSpan.Zero ? connection.FillAsync(left) : ValueTask.FromResult(LineStatus.TimedOut);
    }

    static FrameStatus Ended(LineStatus status) => status switch
    {
        LineStatus.TimedOut => FrameStatus.TimedOut,
        LineStatus.Draining => FrameStatus.Draining,
        _ => FrameStatus.Closed,
    };

    /// <summary>A stranger's ID, and a login with an initial response, may be longer than his other commands.</summary>
    ImapLimits LimitsOf(ReadOnlySpan<byte> text)
    {
        if (Limits != ImapLimits.Stranger || _continued) return Limits;
        var space = text.IndexOf((byte)' ');
        var verb = space < 0 ? default : text[(space + 1)..];
        if (verb.Length > 13 && Ascii.EqualsIgnoreCase(verb[..13], "AUTHENTICATE "u8)) return ImapLimits.StrangerLogin;
        return verb.Length > 3 && Ascii.EqualsIgnoreCase(verb[..3], "ID "u8) ? ImapLimits.StrangerId : Limits;
    }

    void Add(ReadOnlySpan<byte> octets)
    {
        if (_text.Length - _length < octets.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(512, Math.Max(_text.Length * 2, _length + octets.Length)));
            _text.AsSpan(0, _length).CopyTo(larger);
            if (_text.Length > 0) ArrayPool<byte>.Shared.Return(_text);
            _text = larger;
        }
        octets.CopyTo(_text.AsSpan(_length));
        _length += octets.Length;
    }

    /// <summary>Gives back the text of the last command.</summary>
    public void Dispose()
    {
        if (_text.Length > 0) ArrayPool<byte>.Shared.Return(_text);
        _text = [];
        _length = 0;
    }
}
