using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Access;

/// <summary>A mailbox that was looked up.</summary>
/// <param name="Mailbox">Under the name that the client knows it by; null when it is not there, or not for him.</param>
/// <param name="Rights">What he may do with it.</param>
/// <param name="Refusal">The answer when there is no mailbox.</param>
readonly record struct FoundMailbox(Mailbox? Mailbox, Rights Rights, Reply Refusal);

/// <summary>
/// The one way from a name to a mailbox: every command that takes a name comes through here with the right that it needs
/// (RFC 4314 §4).
/// </summary>
static class MailboxAccess
{
    /// <summary>Any of these lets somebody know that a mailbox is there (RFC 4314 §4, MYRIGHTS).</summary>
    internal const Rights Knowing = Rights.Lookup | Rights.Read | Rights.Insert | Rights.Create | Rights.Delete | Rights.Administer;

    /// <summary>Finds a mailbox.</summary>
    /// <param name="needed">All of these are needed.</param>
    /// <param name="absent">The response code when there is none.</param>
    internal static FoundMailbox Find(ReadUnit unit, long who, string name, Rights needed, string absent = "NONEXISTENT")
    {
        var none = new FoundMailbox(null, Rights.None, Reply.No(absent, "there is no such mailbox"));
        if (MailboxPlace.Of(unit, who, name) is not { } place || unit.Mailboxes.Find(place.Account, place.Name) is not { } mailbox) return none;
        var rights = place.RightsOf(unit, who, mailbox);
        if ((rights & needed) == needed) return new FoundMailbox(Shown(mailbox, place), rights, Reply.None);
        // RFC 4314 §6: who may not know of it is told what he would be told if it were not there.
        return (rights & Knowing) == 0 ? none : new FoundMailbox(null, rights, Reply.No("NOPERM", "you may not do that with this mailbox"));
    }

    /// <summary>True when a client may make a mailbox (RFC 4314 §4, CREATE): "k" on the nearest one above that there is.</summary>
    /// <param name="parent">That one; null for an own mailbox at the top.</param>
    internal static bool MayCreate(ReadUnit unit, long who, MailboxPlace place, out Mailbox? parent)
    {
        parent = null;
        foreach (var above in MailboxName.Above(place.Name)) parent = unit.Mailboxes.Find(place.Account, above) ?? parent;
        return place.IsOwn || parent is not null && (place.RightsOf(unit, who, parent) & Rights.Create) != 0;
    }

    /// <summary>A new mailbox has the rights of the one above it (RFC 4314 §4, CREATE).</summary>
    internal static void Inherit(WriteUnit unit, Mailbox? parent, Mailbox made)
    {
        if (parent is null) return;
        foreach (var (grantee, rights) in unit.Rights.List(parent.Id)) unit.Rights.Set(made.Id, grantee, rights);
    }

    /// <summary>The mailboxes of others that a client may see, under the names that he knows them by.</summary>
    internal static IEnumerable<(Mailbox Mailbox, Rights Rights)> Shared(ReadUnit unit, long who)
    {
        foreach (var shared in unit.Rights.With(who))
            if (RightsText.TryRead(shared.Rights, out var rights) && (rights & Rights.Lookup) != 0)
                yield return (shared.Mailbox with { Name = MailboxPlace.NameOf(shared.Owner, shared.Mailbox.Name), Role = MailboxRole.None, Subscribed = false }, rights);
    }

    /// <summary>The flags that may be set by somebody with these rights.</summary>
    internal static MessageFlags Settable(Rights rights) =>
        ((rights & Rights.Seen) != 0 ? MessageFlags.Seen : 0) | ((rights & Rights.Mark) != 0 ? MessageFlags.Deleted : 0)
        | ((rights & Rights.Write) != 0 ? ~(MessageFlags.Seen | MessageFlags.Deleted) : 0);

    static Mailbox Shown(Mailbox mailbox, MailboxPlace place) =>
        place.IsOwn ? mailbox : mailbox with { Name = place.Shown(mailbox.Name), Role = MailboxRole.None, Subscribed = false };
}
