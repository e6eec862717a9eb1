using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Replace;

/// <summary>REPLACE (RFC 8508): a draft that is saved again.</summary>
sealed class ReplaceExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new ReplaceCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("REPLACE");
    }
}

/// <summary>REPLACE and UID REPLACE (RFC 8508 §3): the new message is there in the moment in which the old one goes.</summary>
sealed class ReplaceCommand : ImapCommand
{
    internal override string Verb => "REPLACE";

    internal override When When => When.Selected | When.TakesUid | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        await using var upload = new Upload(session);
        var selected = session.Selected!;
        uint uid;
        string mailbox;
        AppendMessage head;
        int at;
        try { (uid, mailbox, head, at) = Read(session, selected, arguments); }
        catch (BadSyntax) when (arguments.Literal is { } mark)
        {
            await session.RefuseLiteralAsync(mark).ConfigureAwait(false);
            throw;
        }
        var found = session.Find(mailbox, Rights.Insert, "TRYCREATE");
        var target = found.Mailbox;
        const Rights Removing = Rights.Mark | Rights.Expunge;
        if (selected.ReadOnly || (selected.Rights & Removing) != Removing || target is null || selected.Shown.IndexOf(uid) < 0)
        {
            if (arguments.Literal is { } mark) await session.RefuseLiteralAsync(mark).ConfigureAwait(false);
            return selected.ReadOnly ? Reply.No("READ-ONLY", "the mailbox is open for reading only")
                : (selected.Rights & Removing) != Removing ? Reply.No("NOPERM", "you may not remove messages here") : target is null ? found.Refusal : Reply.No("EXPUNGEISSUED", "there is no such message");
        }
        if (await upload.ReadAsync(head, arguments.Text, at, arguments.Literal).ConfigureAwait(false) is { } refusal) return refusal;
        var reply = await upload.FileAsync(target, found.Rights, (selected.AccountId, selected.MailboxId, uid), Verb).ConfigureAwait(false);
        if (reply.Kind != ReplyKind.Ok) return reply;
        // RFC 8508 §3.4: the UID of the new one before the client hears that the old one is gone.
        if (reply.Code is not null) session.Untagged("OK"u8, reply.Code, "replacement is stored");
        return Reply.Ok("REPLACE completed");
    }

    static (uint Uid, string Mailbox, AppendMessage Head, int At) Read(ImapSession session, SelectedMailbox selected, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var number = reader.NzNumber();
        if (!arguments.ByUid && number > selected.Shown.Count) throw reader.Bad("there are not so many messages");
        reader.SP();
        var (mailbox, head) = AppendGrammar.Head(ref reader);
        return (arguments.ByUid ? number : selected.Shown[(int)number - 1].Uid, mailbox, head, reader.At);
    }
}
