using Posthorn.Smtp.Server;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Lines;

namespace Posthorn.Smtp.Client;

/// <summary>What came to a command: exactly one of the two.</summary>
readonly record struct Answer(SmtpReply? Reply, SmtpFailure? Failure);

/// <summary>Commands out, replies in. Once it is <see cref="Broken"/> nothing more can be asked.</summary>
sealed class ClientWire(Connection connection, SmtpClientTimeouts timeouts)
{
    internal Connection Connection { get; } = connection;

    internal SmtpClientTimeouts Timeouts { get; } = timeouts;

    /// <summary>The peer is gone, is about to go (421), or the place in the dialogue is lost.</summary>
    internal bool Broken { get; private set; }

    /// <summary>Writes one command line; nothing of it when it holds a CR, LF or NUL.</summary>
    /// <exception cref="ArgumentException">The line would be two.</exception>
    internal void Command(string line)
    {
        SmtpLine.Write(Connection, line, utf8: true);
        Connection.Write("\r\n"u8);
    }

    internal ValueTask<Answer> AskAsync(SmtpStage stage, string line, TimeSpan timeout)
    {
        Command(line);
        return ReplyAsync(stage, timeout);
    }

    /// <summary>Sends what is pending and reads one reply, all of which has to come within <paramref name="timeout"/>.</summary>
    internal async ValueTask<Answer> ReplyAsync(SmtpStage stage, TimeSpan timeout)
    {
        // What was asked goes out even where a server answers before it was.
        await Connection.FlushAsync().ConfigureAwait(false);
        var deadline = Connection.DeadlineAfter(timeout);
        var lines = new ReplyLines();
        while (lines.Reply is null)
        {
            var (status, end) = await LineEndAsync(deadline).ConfigureAwait(false);
            if (status == LineStatus.TooLong) return Garbage(stage, "a line of more than 8192 octets");
            if (status != LineStatus.Line) return Gone(stage, timeout);
            // A line end without CR is taken as one: it is only its own words that the peer could split by it.
            if (lines.Add(Connection.Buffered.Span[..end].TrimEnd((byte)'\r')) is { } wrong) return Garbage(stage, wrong);
            Connection.Consume(end + 1);
        }
        if (lines.Reply.Code == 421) Broken = true; // RFC 5321 §3.8: the peer closes
        return new(lines.Reply, null);
    }

    async ValueTask<(LineStatus Status, int End)> LineEndAsync(long deadline)
    {
        var scanned = 0;
        while (true)
        {
            var at = Connection.Buffered.Span[scanned..].IndexOf((byte)'\n');
            if (at >= 0) return (LineStatus.Line, scanned + at);
            scanned = Connection.Buffered.Length;
            if (scanned > ReplyLines.MaxCutLine) return (LineStatus.TooLong, 0);
            var status = await Connection.FillAsync(deadline).ConfigureAwait(false);
            if (status != LineStatus.Line) return (status, 0);
        }
    }

    internal Answer Garbage(SmtpStage stage, string what) => new(null, Break(stage, SmtpFailureKind.Garbage, $"the answer to {SmtpWords.Of(stage)} is no SMTP: {what}"));

    Answer Gone(SmtpStage stage, TimeSpan timeout) => new(null, Connection.TimedOut
        ? Break(stage, SmtpFailureKind.Timeout, $"no answer to {SmtpWords.Of(stage)} within {timeout.TotalSeconds:0} s")
        : Break(stage, SmtpFailureKind.Closed, $"the connection was closed before the answer to {SmtpWords.Of(stage)}"));

    /// <summary>Marks the wire as broken and says why.</summary>
    internal SmtpFailure Break(SmtpStage stage, SmtpFailureKind kind, string text)
    {
        Broken = true;
        return new SmtpFailure(stage, kind, null, text);
    }

    /// <summary>A broken wire is cut; a whole one hears QUIT, and its answer is waited for when there is time.</summary>
    internal async ValueTask CloseAsync(bool wait)
    {
        Connection.WriteTimeout = Timeouts.Quit;
        if (Broken) Connection.Abort();
        else
        {
            Command("QUIT");
            if (wait) await ReplyAsync(SmtpStage.Quit, Timeouts.Quit).ConfigureAwait(false);
        }
        await Connection.DisposeAsync().ConfigureAwait(false);
    }
}
