using System.Text;
using Posthorn.Imap.Access;
using Posthorn.Imap.Extensions.Notify;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;

namespace Posthorn.Imap.Extensions.Acl;

/// <summary>SETACL and DELETEACL (RFC 4314 §3.1, §3.2). What the owner may do cannot be changed.</summary>
sealed class SetAclCommand(string verb, bool delete) : ImapCommand
{
    /// <summary>Identifiers of one mailbox.</summary>
    internal const int Most = 1000;

    internal override string Verb => verb;

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var (name, identifier, how, rights) = Read(session, arguments);
        var who = session.Who!.AccountId;
        var reply = await session.Store.WriteAsync(unit =>
        {
            var found = MailboxAccess.Find(unit, who, name, Rights.Administer);
            if (found.Mailbox is not { } mailbox) return found.Refusal;
            if (Identifier.Account(unit, who, identifier) is not { } grantee) return Reply.No(null, "there is nobody of that name");
            if (grantee == mailbox.AccountId) return Reply.No("CANNOT", "the owner keeps all rights");
            var all = unit.Rights.List(mailbox.Id);
            var before = RightsText.TryRead(all.FirstOrDefault(r => r.Grantee == grantee).Rights, out var b) ? b : Rights.None;
            if (all.Count >= Most && before == Rights.None) return Reply.No("LIMIT", "too many have rights already");
            unit.Rights.Set(mailbox.Id, grantee, RightsText.Stored(how switch { '+' => before | rights, '-' => before & ~rights, _ => rights }));
            return Reply.Ok($"{verb} completed");
        }, CancellationToken.None).ConfigureAwait(false);
        session.Server.Feed.Publish(new FeedItem(0, 0, []));
        return reply;
    }

    (string Name, string Identifier, char How, Rights Rights) Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var name = reader.Mailbox();
        reader.SP();
        var identifier = Identifier.Read(ref reader);
        var (how, rights) = ('=', Rights.None);
        if (!delete)
        {
            reader.SP();
            var text = reader.AStringText();
            if (text is ['+' or '-', ..]) (how, text) = (text[0], text[1..]);
            if (!RightsText.TryRead(text, out rights)) throw reader.Bad("a right that is not known");
        }
        reader.End();
        return (name, identifier, how, rights);
    }
}

/// <summary>GETACL (RFC 4314 §3.3).</summary>
sealed class GetAclCommand : ImapCommand
{
    internal override string Verb => "GETACL";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var name = Commands.OneName.Read(session, arguments);
        var found = session.Find(name, Rights.Administer);
        if (found.Mailbox is not { } mailbox) return new(found.Refusal);
        var output = session.Out;
        output.Raw("* ACL "u8);
        output.Mailbox(mailbox.Name);
        foreach (var (who, rights) in session.Store.Read(unit => All(unit, mailbox.AccountId, mailbox.Id)))
        {
            output.SP();
            output.String(who);
            output.SP();
            AclAnswer.Letters(session, rights);
        }
        output.EndLine();
        return new(Reply.Ok("GETACL completed"));
    }

    static List<(string Who, Rights Rights)> All(ReadUnit unit, long owner, long mailboxId)
    {
        var all = new List<(string, Rights)>();
        if (Identifier.Name(unit, owner) is { } name) all.Add((name, Rights.All));
        foreach (var (grantee, letters) in unit.Rights.List(mailboxId))
            if (Identifier.Name(unit, grantee) is { } other && RightsText.TryRead(letters, out var rights)) all.Add((other, rights));
        return all;
    }
}

/// <summary>LISTRIGHTS (RFC 4314 §3.4): the owner has all rights in any case, everybody else may be given each alone.</summary>
sealed class ListRightsCommand : ImapCommand
{
    internal override string Verb => "LISTRIGHTS";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var (name, identifier) = Read(session, arguments);
        var who = session.Who!.AccountId;
        var found = session.Find(name, Rights.Administer);
        if (found.Mailbox is not { } mailbox) return new(found.Refusal);
        if (session.Store.Read(unit => Identifier.Account(unit, who, identifier)) is not { } account) return new(Reply.No(null, "there is nobody of that name"));
        var output = session.Out;
        output.Raw("* LISTRIGHTS "u8);
        output.Mailbox(mailbox.Name);
        output.SP();
        output.String(identifier);
        output.SP();
        if (account == mailbox.AccountId) AclAnswer.Letters(session, Rights.All);
        else
        {
            output.Raw("\"\""u8);
            foreach (var letter in RightsText.Of(Rights.All)) output.Raw([(byte)' ', (byte)letter]);
        }
        output.EndLine();
        return new(Reply.Ok("LISTRIGHTS completed"));
    }

    static (string Name, string Identifier) Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var name = reader.Mailbox();
        reader.SP();
        var identifier = Identifier.Read(ref reader);
        reader.End();
        return (name, identifier);
    }
}

/// <summary>MYRIGHTS (RFC 4314 §3.5).</summary>
sealed class MyRightsCommand : ImapCommand
{
    internal override string Verb => "MYRIGHTS";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var found = session.Find(Commands.OneName.Read(session, arguments), Rights.None);
        if (found.Mailbox is not { } mailbox || (found.Rights & MailboxAccess.Knowing) == 0) return new(Reply.No("NONEXISTENT", "there is no such mailbox"));
        AclAnswer.MyRights(session, mailbox.Name, found.Rights);
        return new(Reply.Ok("MYRIGHTS completed"));
    }
}

/// <summary>Responses of ACL (RFC 4314 §3.6 to §3.8).</summary>
static class AclAnswer
{
    internal static void MyRights(ImapSession session, string mailbox, Rights rights)
    {
        var output = session.Out;
        output.Raw("* MYRIGHTS "u8);
        output.Mailbox(mailbox);
        output.SP();
        Letters(session, rights);
        output.EndLine();
    }

    internal static void Letters(ImapSession session, Rights rights) =>
        session.Out.Raw(rights == Rights.None ? "\"\""u8 : Encoding.ASCII.GetBytes(RightsText.Of(rights)));
}
