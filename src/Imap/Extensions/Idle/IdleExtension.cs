using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Extensions.Idle;

/// <summary>IDLE (RFC 2177; RFC 9051 §6.3.13).</summary>
sealed class IdleExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new IdleCommand()];

    internal override void List(ImapSession session, List<string> words) => words.Add("IDLE");
}

/// <summary>Waits for DONE and tells of changes meanwhile.</summary>
sealed class IdleCommand : ImapCommand
{
    const int LongestLine = 1024;

    /// <summary>
    /// From "+" to the first that is told. What comes in one piece with the "+" Thunderbird keeps in a buffer until still
    /// more comes, and anything before the "+" it takes for the end of the wait (seen with version 153).
    /// </summary>
    static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(250);

    internal override string Verb => "IDLE";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        session.Out.Raw("+ idling\r\n"u8);
        var signal = session.Notify?.Signal ?? new Signal();
        session.Selected?.View.Watch(signal);
        session.Connection.IdlePoint(true);
        try { return await WaitAsync(session, signal).ConfigureAwait(false); }
        finally
        {
            session.Connection.IdlePoint(false);
            session.Selected?.View.Unwatch(signal);
        }
    }

    static async ValueTask<Reply> WaitAsync(ImapSession session, Signal signal)
    {
        var connection = session.Connection;
        var deadline = connection.DeadlineAfter(session.Server.Options.IdleTimeout);
        Task<LineStatus>? more = null;
        await connection.FlushAsync().ConfigureAwait(false);
        var settled = Task.Delay(Settling, session.Server.Time);
        while (true)
        {
            var tells = settled.IsCompleted;
            if (tells)
            {
                signal.Reset();
                await session.TellAsync(mayExpunge: true).ConfigureAwait(false);
            }
            // Before the read begins: a read that waits has nothing to flush, so that nobody else touches the output.
            await connection.FlushAsync().ConfigureAwait(false);
            if (more is null)
            {
                var end = connection.Buffered.Span.IndexOf("\r\n"u8);
                if (end >= 0) return Done(session, end);
                if (connection.Buffered.Length > LongestLine)
                {
                    session.Bye("idle", "DONE expected");
                    return Reply.None;
                }
                more = connection.FillAsync(deadline).AsTask();
            }
            await Task.WhenAny(more, tells ? signal.Task : settled).ConfigureAwait(false);
            if (!more.IsCompleted) continue;
            var status = await more.ConfigureAwait(false);
            more = null;
            if (status == LineStatus.Line) continue;
            Ended(session, status);
            return Reply.None;
        }
    }

    static Reply Done(ImapSession session, int end)
    {
        var done = Ascii.EqualsIgnoreCase(session.Connection.Buffered.Span[..end], "DONE"u8);
        session.Connection.Consume(end + 2);
        return done ? Reply.Ok("IDLE terminated") : Reply.Bad("DONE expected");
    }

    static void Ended(ImapSession session, LineStatus status)
    {
        switch (status)
        {
            case LineStatus.Draining:
                session.Drain();
                break;
            case LineStatus.TimedOut:
                session.Bye("autologout", "autologout; idle for too long");
                break;
            default:
                session.End("connection lost");
                break;
        }
    }
}
