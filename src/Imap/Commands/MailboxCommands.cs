using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Commands;

/// <summary>CREATE (RFC 9051 §6.3.4), with special uses (RFC 6154 §3).</summary>
sealed class CreateCommand : ImapCommand
{
    internal override string Verb => "CREATE";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var wanted = Read(session, arguments);
        // RFC 9051 §6.3.4: a delimiter at the end says only that names below it will follow.
        var used = wanted.Mailbox.TrimEnd(MailboxName.Delimiter);
        var name = MailboxName.Normal(used);
        if (!MailboxName.IsGood(name) || !NetUnicode.IsComposed(name)) return Reply.No("CANNOT", "no mailbox can be called that"); // RFC 9051 §5.1
        var role = MailboxRole.None;
        foreach (var use in wanted.Uses)
            if (role != MailboxRole.None || !TryRole(use, out role)) return Reply.No("USEATTR", "a mailbox cannot be for that");
        var who = session.Who!.AccountId;
        var reply = await session.WriteAsync(unit =>
        {
            var tables = unit.Mailboxes;
            if (MailboxPlace.Of(unit, who, name) is not { } place || !MailboxAccess.MayCreate(unit, who, place, out _)) return Reply.No("NOPERM", "you may not make a mailbox there");
            if (tables.Find(place.Account, place.Name) is not null) return Reply.No("ALREADYEXISTS", "there is a mailbox of that name");
            if (role != MailboxRole.None && (!place.IsOwn || tables.List(place.Account).Any(m => m.Role == role))) return Reply.No("USEATTR", "there is a mailbox for that already");
            var parent = MakeAbove(unit, place);
            var made = tables.Create(place.Account, place.Name, role, subscribed: false);
            MailboxAccess.Inherit(unit, parent, made);
            return Reply.Ok($"MAILBOXID ({MailboxName.ObjectId(made.Id)})", "CREATE completed"); // RFC 8474 §4.1
        }).ConfigureAwait(false);
        ListLine.TellNormal(session, reply, used);
        return reply;
    }

    static CreateArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return CreateArguments.Read(ref reader);
    }

    internal static bool TryRole(string use, out MailboxRole role)
    {
        role = Enum.GetValues<MailboxRole>().FirstOrDefault(r => MailboxName.Use(r) is { } name && name.AsSpan(1).Equals(use, StringComparison.OrdinalIgnoreCase));
        return role != MailboxRole.None;
    }

    /// <summary>Makes the mailboxes above a name that are not there (RFC 9051 §6.3.4); the one right above it, null at the top.</summary>
    internal static Mailbox? MakeAbove(WriteUnit unit, MailboxPlace place)
    {
        Mailbox? parent = null;
        foreach (var above in MailboxName.Above(place.Name))
        {
            var there = unit.Mailboxes.Find(place.Account, above);
            if (there is null)
            {
                there = unit.Mailboxes.Create(place.Account, above, subscribed: false);
                MailboxAccess.Inherit(unit, parent, there);
            }
            parent = there;
        }
        return parent;
    }
}

/// <summary>DELETE (RFC 9051 §6.3.5). A mailbox that has others below it stays.</summary>
sealed class DeleteCommand : ImapCommand
{
    internal override string Verb => "DELETE";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var name = OneName.Read(session, arguments);
        var who = session.Who!.AccountId;
        var reply = await session.WriteAsync(unit =>
        {
            var found = MailboxAccess.Find(unit, who, name, Rights.Delete);
            if (found.Mailbox is not { } mailbox || MailboxPlace.Of(unit, who, name) is not { } place) return found.Refusal;
            if (place.Name == MailboxName.Inbox) return Reply.No("CANNOT", "INBOX stays");
            if (unit.Mailboxes.AnyWithPrefix(place.Account, place.Name + MailboxName.Delimiter)) return Reply.No("HASCHILDREN", "there are mailboxes below it");
            unit.Mailboxes.DeleteMailbox(place.Account, mailbox.Id, "imap");
            return Reply.Ok("DELETE completed");
        }).ConfigureAwait(false);
        ListLine.TellNormal(session, reply, name, exists: false);
        return reply;
    }
}

/// <summary>RENAME (RFC 9051 §6.3.6): with all below; of INBOX, its messages only.</summary>
sealed class RenameCommand : ImapCommand
{
    internal override string Verb => "RENAME";

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var (old, used) = Read(session, arguments);
        var (from, to) = (MailboxName.Normal(old), MailboxName.Normal(used));
        if (!MailboxName.IsGood(to) || !NetUnicode.IsComposed(to)) return Reply.No("CANNOT", "no mailbox can be called that");
        var who = session.Who!.AccountId;
        var reply = await session.WriteAsync(unit => Rename(unit, who, from, to)).ConfigureAwait(false);
        // RFC 9051 §6.3.6
        if (session.Rev2 && reply.Kind == ReplyKind.Ok && (from != old && from != MailboxName.Inbox || to != used)) ListLine.Write(session, to, old);
        return reply;
    }

    static (string From, string To) Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var from = reader.Mailbox();
        reader.SP();
        var to = reader.Mailbox();
        reader.End();
        return (from, to.TrimEnd(MailboxName.Delimiter));
    }

    internal static Reply Rename(WriteUnit unit, long who, string from, string to)
    {
        var found = MailboxAccess.Find(unit, who, from, Rights.Delete);
        if (found.Mailbox is not { } mailbox || MailboxPlace.Of(unit, who, from) is not { } old) return found.Refusal;
        // RFC 4314 §4: "x" on the old name, "k" on what is above the new one.
        if (MailboxPlace.Of(unit, who, to) is not { } place || !MailboxAccess.MayCreate(unit, who, place, out _)) return Reply.No("NOPERM", "you may not make a mailbox there");
        if (place.Account != old.Account || !old.IsOwn && old.Name == MailboxName.Inbox) return Reply.No("CANNOT", "a mailbox stays with its owner");
        return Rename(unit, mailbox, old.Name, place);
    }

    static Reply Rename(WriteUnit unit, Mailbox mailbox, string from, MailboxPlace place)
    {
        var (tables, account, to) = (unit.Mailboxes, place.Account, place.Name);
        var below = from + MailboxName.Delimiter;
        if (to.StartsWith(below, StringComparison.Ordinal)) return Reply.No("CANNOT", "a mailbox cannot be below itself");
        if (tables.Find(account, to) is not null) return Reply.No("ALREADYEXISTS", "there is a mailbox of that name");
        var parent = CreateCommand.MakeAbove(unit, place);
        if (from == MailboxName.Inbox)
        {
            var made = tables.Create(account, to, subscribed: false);
            MailboxAccess.Inherit(unit, parent, made);
            unit.Annotations.Copy(mailbox.Id, made.Id); // RFC 5464 §4.1
            var uids = new List<uint>();
            unit.Places.Scan(mailbox.Id, 1, (in Placement place) => uids.Add(place.Uid));
            tables.Move(account, mailbox.Id, made.Id, uids, "imap");
            return Reply.Ok("RENAME completed");
        }
        (long Id, string Name)[] renamed = [(mailbox.Id, to), .. tables.WithPrefix(account, below).Select(m => (m.Id, to + m.Name[from.Length..]))];
        if (renamed.Any(static m => !MailboxName.IsGood(m.Name))) return Reply.No("CANNOT", "a name below it would become too long");
        // Of a mailbox that is not there one may be below it, when it was made by something other than IMAP.
        if (tables.AnyWithPrefix(account, to + MailboxName.Delimiter) && renamed.Any(m => tables.Find(account, m.Name) is not null))
            return Reply.No("ALREADYEXISTS", "there is a mailbox of such a name");
        tables.RenameMailboxes(account, renamed);
        return Reply.Ok("RENAME completed");
    }
}

/// <summary>SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).</summary>
sealed class SubscribeCommand(string verb, bool subscribe) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => When.LoggedIn;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var name = MailboxName.Normal(OneName.Read(session, arguments));
        var account = session.Who!.AccountId;
        return await session.WriteAsync(unit =>
        {
            if (MailboxPlace.IsOther(name)) return Other(unit, account, name);
            if (unit.Mailboxes.Find(account, name) is { } mailbox) unit.Mailboxes.Subscribe(account, mailbox.Id, subscribe);
            else if (subscribe || !unit.Subscriptions.Remove(account, name)) return Reply.No("NONEXISTENT", "there is no such mailbox");
            return Reply.Ok($"{verb} completed");
        }).ConfigureAwait(false);
    }

    /// <summary>The owner's subscriptions are his: those of others are kept by name.</summary>
    Reply Other(WriteUnit unit, long account, string name)
    {
        if (subscribe)
        {
            if (MailboxAccess.Find(unit, account, name, Rights.Lookup) is { Mailbox: null } found) return found.Refusal;
            unit.Subscriptions.Add(account, name);
        }
        else if (!unit.Subscriptions.Remove(account, name)) return Reply.No("NONEXISTENT", "there is no such mailbox");
        return Reply.Ok($"{verb} completed");
    }
}

/// <summary>The argument of commands that take one name.</summary>
static class OneName
{
    internal static string Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var name = reader.Mailbox();
        reader.End();
        return name;
    }
}
