using Posthorn.Smtp.Grammar;
using Posthorn.Smtp.Server.Commands;

namespace Posthorn.Smtp.Server;

/// <summary>
/// How the client of one session behaves: counts what it may do only so often, answers what it does wrong, later the more
/// of it there is, and ends the session when it is too much.
/// </summary>
sealed class Conduct(SmtpSession session)
{
    int _transactions, _errors, _junk, _unknown, _unknownRecipients, _failedLogins, _skipped;

    /// <summary>Messages accepted.</summary>
    internal int Messages { get; private set; }

    /// <summary>Commands and messages refused.</summary>
    internal int Refused { get; private set; }

    /// <summary>How long the client has to wait before its next command is read.</summary>
    internal TimeSpan Penalty { get; private set; }

    internal async ValueTask ServePenaltyAsync()
    {
        var wait = Penalty;
        Penalty = TimeSpan.Zero;
        await Task.Delay(wait, session.Server.Time, session.Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    internal void CountTransaction() => _transactions++;

    /// <summary>True when a stranger has had all the transactions of one session.</summary>
    internal bool OutOfTransactions => _transactions >= session.Options.MaxTransactions && session.IsStranger;

    /// <summary>Counts an accepted message: what a client did wrong before is forgiven.</summary>
    internal void CountMessage()
    {
        Messages++;
        _errors = _junk = 0;
    }

    /// <summary>Counts a command that does nothing for mail. True when the session is over.</summary>
    internal bool EndsJunk()
    {
        if (++_junk <= session.Options.MaxJunkCommands) return false;
        session.End("421 4.7.0 Too many commands without mail\r\n"u8, "too many junk commands");
        return true;
    }

    /// <summary>Refuses a command, and ends the session when it was one too many.</summary>
    internal void Refuse(ReadOnlySpan<byte> line)
    {
        if (CountError(1)) session.Reply(line);
    }

    /// <summary>A refusal of the backend; those we know may be refused any number of times.</summary>
    internal void Refuse(SmtpReply reply)
    {
        if (reply.Temporary || !session.IsStranger || CountError(1)) session.Reply(reply);
    }

    // False when the session is over and its last reply written.
    bool CountError(int weight)
    {
        Refused++;
        _errors += weight;
        if (_errors >= session.Options.MaxErrors)
        {
            session.End("421 4.7.0 Too many errors\r\n"u8, "too many errors");
            return false;
        }
        if (_errors > session.Options.SoftErrors) Penalty = session.Options.PenaltyStep;
        return true;
    }

    /// <summary>Refuses what can only be an attempt at smuggling, or a client that should be mended.</summary>
    internal void RefuseBareControl(ReadOnlySpan<byte> line)
    {
        session.LogAbuse("bare CR, LF or NUL");
        if (CountError(5)) session.Reply(line);
    }

    /// <summary>Answers a line that is no command: a client in good faith knows what EHLO offered.</summary>
    internal void RefuseUnknown(ReadOnlySpan<byte> verb)
    {
        if (CommandLine.IsHttp(verb))
        {
            session.LogAbuse("HTTP");
            session.End("421 4.7.0 This is a mail server\r\n"u8, "HTTP");
        }
        else if (++_unknown >= session.Options.MaxUnknownCommands && !session.LoggedIn) session.End("421 4.7.0 Too many unknown commands\r\n"u8, "unknown commands");
        else Refuse("500 5.5.1 Unknown command\r\n"u8);
    }

    /// <summary>
    /// Answers a recipient that does not exist: to a stranger later each time, and not too often (address harvesting).
    /// </summary>
    internal void RefuseUnknownRecipient(SmtpReply reply)
    {
        Refused++;
        if (session.IsStranger)
        {
            if (++_unknownRecipients > session.Options.MaxUnknownRecipients)
            {
                session.End("421 4.7.0 Too many unknown recipients\r\n"u8, "unknown recipients");
                return;
            }
            Penalty = session.Options.PenaltyStep * Math.Min(_unknownRecipients - 1, 5);
        }
        session.Reply(reply);
    }

    /// <summary>Answers a failed login.</summary>
    internal void RefuseLogin(string mechanism)
    {
        session.LogLoginFailed(mechanism);
        if (++_failedLogins >= session.Options.MaxFailedLogins) session.End("421 4.7.0 Too many failed logins\r\n"u8, "failed logins");
        else Refuse("535 5.7.8 Authentication failed\r\n"u8);
    }

    /// <summary>Counts a message that the backend refused whole.</summary>
    internal void CountRefused() => Refused++;

    /// <summary>
    /// Answers a chunk behind a refused one: the client had them all under way, so they are not counted as errors, but there
    /// is an end to it.
    /// </summary>
    internal void SkipChunk(bool last)
    {
        session.State.SkippingChunks = !last;
        if (++_skipped > session.Options.MaxChunks) session.End("421 4.7.0 Too many chunks\r\n"u8, "too many chunks");
        else session.Reply("503 5.5.1 The message was refused\r\n"u8);
    }

    /// <summary>Octets behind a command that must wait for its reply: never run, never answered. True when the session is over.</summary>
    internal bool EndsInjection(SmtpCommand command)
    {
        // Greeting in one segment with what follows is rude but harmless from our own networks; message text before 354
        // is harmless from a user who could send any message.
        if (command is HeloCommand or EhloCommand or LhloCommand && !session.IsStranger) return false;
        if (command is DataCommand && session.LoggedIn) return false;
        session.LogAbuse("octets pipelined behind " + command.Verb);
        if (command is StartTlsCommand) session.End("501 5.5.4 STARTTLS must be the last command of its group\r\n"u8, "injection");
        else session.End("503 5.5.0 Improper pipelining\r\n"u8, "improper pipelining");
        return true;
    }
}
