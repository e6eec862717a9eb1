using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>STATUS (RFC 9051 §6.3.11).</summary>
sealed class StatusCommand : ImapCommand
{
    internal override string Verb => "STATUS";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var status = Read(session, arguments);
        var found = session.Find(status.Mailbox, Rights.Read);
        if (found.Mailbox is not { } mailbox) return new(found.Refusal);
        // RFC 7162 §3.1: asking for it makes the session one that is told of change numbers.
        if ((status.Items & StatusItems.HighestModSeq) != 0) session.Enable(Enabled.CondStore);
        StatusWriter.Write(session, mailbox, status.Items);
        return new(Reply.Ok("STATUS completed"));
    }

    static StatusArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return StatusArguments.Read(ref reader);
    }
}
