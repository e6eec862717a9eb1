using System.Text;
using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Storage;

namespace Posthorn.Imap.Session;

/// <summary>Takes commands off a connection one after the other, runs them, and answers; waits between them.</summary>
sealed class SessionLoop(ImapSession session)
{
    int _bad;

    /// <summary>Commands that were begun.</summary>
    internal int Count { get; private set; }

    /// <summary>Until the session is over.</summary>
    internal async Task RunAsync(CancellationToken ct)
    {
        while (!session.Over) await NextAsync(ct).ConfigureAwait(false);
    }

    async ValueTask NextAsync(CancellationToken ct)
    {
        if (session.Connection.DrainWanted)
        {
            session.Drain();
            return;
        }
        var waits = !session.Connection.HasBufferedInput;
        if (waits && session.Notify is { } notify && !await notify.WaitAsync().ConfigureAwait(false)) return;
        var frame = await session.Commands.ReadAsync(session.Server.Options.IdleTimeout).ConfigureAwait(false);
        switch (frame.Status)
        {
            case FrameStatus.Command or FrameStatus.Literal:
                if (waits && AccountIsGone()) session.Bye("account disabled", "this account has been closed");
                else await CommandAsync(frame, ct).ConfigureAwait(false);
                break;
            case FrameStatus.TooLong:
                SetTag(frame.Text.Span);
                Answer(Reply.Bad("the command is too long"));
                break;
            case FrameStatus.LiteralTooBig:
                SetTag(frame.Text.Span);
                // The client was not asked for the octets, so none come.
                Answer(IsUnknown(frame) ? Reply.Bad("unknown command") : session.Who is null ? Reply.Bad("the literal is too large") : Reply.No("TOOBIG", "the literal is too large"));
                break;
            case FrameStatus.Flooded:
                SetTag(frame.Text.Span);
                session.EndFor(frame.Status);
                break;
            default:
                session.EndFor(frame.Status);
                break;
        }
    }

    async ValueTask CommandAsync(CommandFrame frame, CancellationToken ct)
    {
        if (session.Who is null && IsHttp(frame.Text.Span))
        {
            session.Bye("HTTP", "this is not a web server");
            return;
        }
        ImapCommand? command = null;
        var arguments = default(Arguments);
        try { (command, arguments) = Parse(frame); }
        catch (BadSyntax e)
        {
            Answer(Reply.Bad($"{e.Message} (column {e.Column})"));
            if (frame.Status == FrameStatus.Literal) await session.RefuseLiteralAsync(frame.Literal).ConfigureAwait(false);
            return;
        }
        Reply? refused = command is null ? Reply.Bad("unknown command")
            // RFC 9586 §3
            : session.UidOnly && !arguments.ByUid && (command.When & When.TakesUid) != 0 ? new Reply(ReplyKind.Bad, "UIDREQUIRED", "message numbers are not allowed")
            : Allows(command) ? null
            : Reply.Bad(session.Who is null ? "log in first" : (command.When & When.Selected) != 0 ? "select a mailbox first" : "not in this state");
        var reply = refused ?? await RunCommandAsync(command!, arguments, ct).ConfigureAwait(false);
        if (reply.Kind != ReplyKind.None && !session.Over)
        {
            await session.TellAsync(!session.NumbersStay && (command is not { } done || arguments.ByUid || (done.When & When.KeepsNumbers) == 0)).ConfigureAwait(false);
            session.NumbersStay = false;
            session.Selected?.TellSettled();
            Answer(MessageLimits.Told(session, reply));
        }
        session.Selected?.Known = null;
        // Nobody has looked at it: its octets would be taken for commands.
        if (refused is not null && frame.Status == FrameStatus.Literal && !session.Over) await session.RefuseLiteralAsync(frame.Literal).ConfigureAwait(false);
        if (session.Connection.ShouldFlush) await session.Connection.FlushAsync().ConfigureAwait(false);
    }

    (ImapCommand? Command, Arguments Arguments) Parse(CommandFrame frame)
    {
        var text = frame.Text.Span;
        var reader = new ImapReader(text, session.Limits, session.Utf8);
        session.Tag = ImapSession.Star;
        var tag = reader.Tag();
        reader.SP();
        session.Tag = tag.ToArray();
        var verb = reader.Atom();
        var byUid = Ascii.EqualsIgnoreCase(verb, "UID"u8);
        if (byUid)
        {
            reader.SP();
            verb = reader.Atom();
        }
        Count++;
        return (ImapCommands.Find(verb, byUid), new Arguments(frame.Text, reader.At, byUid, frame.Status == FrameStatus.Literal ? frame.Literal : null));
    }

    /// <summary>True for a command that could be read as far as its name, which is none (the example of RFC 9051 §7.6).</summary>
    bool IsUnknown(CommandFrame frame)
    {
        try { return Parse(frame).Command is null; }
        catch (BadSyntax) { return false; }
    }

    bool Allows(ImapCommand command) => (command.When & (session.Who is null ? When.Stranger : session.Selected is null ? When.User : When.Selected)) != 0;

    async ValueTask<Reply> RunCommandAsync(ImapCommand command, Arguments arguments, CancellationToken ct)
    {
        session.Progress.Begin();
        session.LowestDone = 0;
        try
        {
            session.Selected?.Known = session.Selected.Shown;
            if ((command.When & When.TakesMessages) != 0 && session.Notify?.TellsMessages != false) session.Selected?.Tell(mayExpunge: false);
            return await command.RunAsync(session, arguments, ct).ConfigureAwait(false);
        }
        catch (BadSyntax e)
        {
            return Reply.Bad($"{e.Message} (column {e.Column})");
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            session.Drain();
        }
        // The wall between a fault and the client: logged here, without detail there.
        catch (Exception e)
        {
            ImapLog.Fault(session.Server.Log, e, command.Verb, session.Who?.AccountId ?? 0, session.Connection.Remote);
            if (session.InLiteral)
            {
                // Half a literal went out: whatever followed would be taken for its rest.
                session.Connection.Abort();
                session.End("fault");
            }
            else if (e is StorePoisonedException) session.Bye("fault", "server error, try again later");
            else return e is StoreFullException ? Reply.No("UNAVAILABLE", "there is no room at the moment") : Reply.No("SERVERBUG", "server error, try again later");
        }
        return Reply.None;
    }

    /// <summary>True for the first word of an HTTP request: a browser was led here (ALPACA, CVE-2021-3618).</summary>
    static bool IsHttp(ReadOnlySpan<byte> text) =>
        text.StartsWith("GET /"u8) || text.StartsWith("POST /"u8) || text.StartsWith("HEAD /"u8) || text.StartsWith("PUT /"u8) || text.StartsWith("DELETE /"u8)
        || text.StartsWith("OPTIONS "u8) || text.StartsWith("CONNECT "u8) || text.StartsWith("PATCH /"u8) || text.StartsWith("TRACE /"u8) || text.StartsWith("PRI * "u8);

    // Disabling an account ends its open sessions too. Looked up when the client comes back from a pause, not per command.
    bool AccountIsGone() => session.Who is { } who && session.Server.Directory is { } directory && directory.Account(who.AccountId) is not { Enabled: true };

    /// <summary>The tag of a command that could not be read, or "*".</summary>
    void SetTag(ReadOnlySpan<byte> text)
    {
        session.Tag = ImapSession.Star;
        try { session.Tag = new ImapReader(text, session.Limits).Tag().ToArray(); }
        catch (BadSyntax) { }
    }

    void Answer(Reply reply)
    {
        switch (reply.Kind)
        {
            case ReplyKind.Ok:
                session.Tagged("OK"u8, reply.Code, reply.Text);
                break;
            case ReplyKind.No:
                session.Tagged("NO"u8, reply.Code, reply.Text);
                break;
            case ReplyKind.Bad:
                session.Tagged("BAD"u8, reply.Code, reply.Text);
                if (++_bad >= (session.Who is null ? session.Server.Options.MaxUnknownBeforeLogin : session.Server.Options.MaxBadCommands)) session.Bye("too many bad commands", "too many bad commands");
                break;
        }
    }
}
