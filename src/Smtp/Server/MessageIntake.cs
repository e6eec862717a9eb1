using Posthorn.Wire.Connections;
using Posthorn.Wire.Lines;

namespace Posthorn.Smtp.Server;

/// <summary>What is wrong with the message text received so far; the worst first seen wins.</summary>
enum IntakeVerdict
{
    Good,

    /// <summary>A bare CR, LF or NUL where text was promised.</summary>
    Malformed,

    /// <summary>More octets than SIZE allows.</summary>
    TooLarge,

    /// <summary>The backend threw while it took octets.</summary>
    Fault,
}

/// <summary>
/// Takes the octets of messages off the wire, in DATA and in chunks, and hands them to the transaction. Whatever goes
/// wrong, it reads on to the end of the text, so that no octet of a message is ever taken for a command.
/// </summary>
sealed class MessageIntake(SmtpSession session)
{
    const int SmallBuffer = 16 * 1024;
    const int LargeBuffer = 64 * 1024;

    readonly DotReader _reader = new();
    Envelope? _envelope;
    bool _binary;
    long _size;
    Exception? _fault;
    IntakeVerdict _verdict;
    long _began, _received;

    internal IntakeVerdict Verdict => _verdict;

    /// <summary>What the backend threw, for the log.</summary>
    internal Exception? Fault => _fault;

    /// <summary>Starts the text of a message; without an envelope it is thrown away.</summary>
    internal void Begin(Envelope? envelope, bool dotted)
    {
        _envelope = envelope;
        _binary = !dotted && envelope?.Mail.Body == BodyType.BinaryMime;
        // A user's old client may send bare LFs; a stranger who does is refused (SMTP smuggling).
        _reader.Begin(dotted, repairBareLf: session.Client.Service == SmtpService.Submission && session.LoggedIn);
        _size = 0;
        _fault = null;
        _verdict = IntakeVerdict.Good;
    }

    /// <summary>Reads a DATA block to its dot. <see cref="LineStatus.Line"/> when the end was seen.</summary>
    internal async ValueTask<LineStatus> ReadDottedAsync()
    {
        StartClock();
        var connection = session.Connection;
        while (true)
        {
            while (connection.HasBufferedInput)
            {
                var done = _reader.Read(connection.Buffered, out var used, out var text);
                await TakeAsync(text).ConfigureAwait(false);
                connection.Consume(used);
                _received += used;
                if (!done) continue;
                session.InTransfer = false;
                return LineStatus.Line;
            }
            var status = await FillAsync().ConfigureAwait(false);
            if (status != LineStatus.Line) return status;
        }
    }

    /// <summary>Reads one chunk. <see cref="LineStatus.Line"/> when all of it has come.</summary>
    internal async ValueTask<LineStatus> ReadChunkAsync(long octets, bool last)
    {
        StartClock();
        var connection = session.Connection;
        while (octets > 0)
        {
            if (!connection.HasBufferedInput)
            {
                var status = await FillAsync().ConfigureAwait(false);
                if (status != LineStatus.Line) return status;
            }
            var input = connection.Buffered;
            if (input.Length > octets) input = input[..(int)octets];
            var used = input.Length;
            var text = input;
            if (!_binary) _reader.Read(input, out used, out text);
            await TakeAsync(text).ConfigureAwait(false);
            connection.Consume(used);
            _received += used;
            octets -= used;
        }
        if (last && !_binary && _reader.EndsInCr) Worsen(IntakeVerdict.Malformed);
        session.InTransfer = false;
        return LineStatus.Line;
    }

    async ValueTask TakeAsync(ReadOnlyMemory<byte> text)
    {
        if (_reader.Malformed) Worsen(IntakeVerdict.Malformed);
        if (text.Length == 0) return;
        // RFC 1870 §6.1: the size is that of the text with its CRLFs and without the dots that were stuffed.
        _size += text.Length;
        if (_size > session.Options.MaxMessageSize) Worsen(IntakeVerdict.TooLarge);
        if (_verdict != IntakeVerdict.Good || _envelope is null) return;
        try
        {
            await _envelope.Transaction.WriteAsync(text, session.Stop).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _fault = e;
            Worsen(IntakeVerdict.Fault);
        }
    }

    void Worsen(IntakeVerdict verdict)
    {
        if (_verdict == IntakeVerdict.Good) _verdict = verdict;
    }

    void StartClock()
    {
        session.InTransfer = true;
        _began = session.Server.Time.GetTimestamp();
        _received = 0;
    }

    // After the grace a transfer has as much time as its octets pay for, so that a slow drip ends (and no single wait is
    // longer than that for a command).
    ValueTask<LineStatus> FillAsync()
    {
        var options = session.Options;
        var left = options.DataGrace + TimeSpan.FromSeconds((double)_received / options.MinDataRate) - session.Server.Time.GetElapsedTime(_began);
        if (left <= TimeSpan.Zero) return new(LineStatus.TimedOut);
        // Most messages fit the small buffer; one that proved large is worth fewer and larger reads.
        return session.Connection.FillAsync(left < options.CommandTimeout ? left : options.CommandTimeout, _received < SmallBuffer ? SmallBuffer : LargeBuffer);
    }
}
