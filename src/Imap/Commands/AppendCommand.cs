using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>APPEND (RFC 9051 §6.3.12) of one message or many (RFC 3502), with CATENATE (RFC 4469) and UTF8 (RFC 6855 §4).</summary>
sealed class AppendCommand : ImapCommand
{
    internal override string Verb => "APPEND";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        await using var upload = new Upload(session);
        string mailbox;
        AppendMessage head;
        int at;
        try { (mailbox, head, at) = Read(session, arguments); }
        catch (BadSyntax) when (arguments.Literal is { } mark)
        {
            await session.RefuseLiteralAsync(mark).ConfigureAwait(false);
            throw;
        }
        var found = session.Find(mailbox, Rights.Insert, "TRYCREATE");
        if (found.Mailbox is not { } target)
        {
            // RFC 9051 §6.3.12: said before the client sends what nobody could take.
            if (arguments.Literal is { } mark) await session.RefuseLiteralAsync(mark).ConfigureAwait(false);
            return found.Refusal;
        }
        if (await upload.ReadAsync(head, arguments.Text, at, arguments.Literal).ConfigureAwait(false) is { } refusal) return refusal;
        var reply = await upload.FileAsync(target, found.Rights, replaces: null, Verb).ConfigureAwait(false);
        ListLine.TellNormal(session, reply, mailbox);
        return reply;
    }

    static (string Mailbox, AppendMessage Head, int At) Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var (mailbox, head) = AppendGrammar.Head(ref reader);
        return (mailbox, head, reader.At);
    }
}
