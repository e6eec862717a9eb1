using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>What a client can be told of (RFC 5465 §5).</summary>
[Flags]
enum NotifyEvents
{
    None = 0,
    MessageNew = 1,
    MessageExpunge = 2,
    FlagChange = 4,
    MailboxName = 8,
    SubscriptionChange = 16,
    MailboxMetadataChange = 32,
    ServerMetadataChange = 64,

    /// <summary>Those about messages.</summary>
    Messages = MessageNew | MessageExpunge | FlagChange,

    /// <summary>One that this server does not know: AnnotationChange, or one of a later standard.</summary>
    Unknown = 128,
}

/// <summary>Events for a set of mailboxes.</summary>
/// <param name="Fetch">What to tell of new messages of the selected mailbox; empty for nothing.</param>
sealed record NotifyGroup(MailboxScope Scope, NotifyEvents Events, IReadOnlyList<FetchItem> Fetch)
{
    internal bool IsSelected => Scope.Filter is MailboxFilter.Selected or MailboxFilter.SelectedDelayed;
}

/// <summary>The arguments of NOTIFY (RFC 5465 §8).</summary>
/// <param name="Groups">Null for NONE.</param>
sealed record NotifyArguments(bool Status, IReadOnlyList<NotifyGroup>? Groups)
{
    internal static NotifyArguments Read(ref ImapReader r)
    {
        if (r.TryWord("NONE"u8))
        {
            r.End();
            return new NotifyArguments(false, null);
        }
        if (!r.TryWord("SET"u8)) throw r.Bad("SET or NONE expected");
        r.SP();
        var status = r.TryWord("STATUS"u8);
        if (status) r.SP();
        var groups = new List<NotifyGroup>();
        do groups.Add(Group(ref r));
        while (r.TryTake((byte)' '));
        if (groups.Count(static g => g.IsSelected) > 1) throw r.Bad("SELECTED can be named once");
        r.End();
        return new NotifyArguments(status, groups);
    }

    static NotifyGroup Group(ref ImapReader r)
    {
        r.Open();
        var scope = MailboxScope.Read(ref r);
        if (scope.Filter == MailboxFilter.SubtreeOne) throw r.Bad("SUBTREE-ONE is for ESEARCH");
        r.SP();
        var events = NotifyEvents.None;
        IReadOnlyList<FetchItem> fetch = [];
        // The examples leave out the inner parentheses (RFC 5465 §3.1), the grammar demands them.
        var inner = r.TryOpen();
        if (!r.TryWord("NONE"u8))
            do events |= Event(ref r, ref fetch);
            while (r.TryTake((byte)' '));
        if (inner) r.Close();
        r.Close();
        var group = new NotifyGroup(scope, events, fetch);
        Demand(ref r, group);
        return group;
    }

    static NotifyEvents Event(ref ImapReader r, ref IReadOnlyList<FetchItem> fetch)
    {
        switch (r.Keyword())
        {
            case "MESSAGENEW":
                if (r.Rest.StartsWith(" ("u8))
                {
                    r.SP();
                    fetch = FetchArguments.ItemList(ref r);
                }
                return NotifyEvents.MessageNew;
            case "MESSAGEEXPUNGE": return NotifyEvents.MessageExpunge;
            case "FLAGCHANGE": return NotifyEvents.FlagChange;
            case "MAILBOXNAME": return NotifyEvents.MailboxName;
            case "SUBSCRIPTIONCHANGE": return NotifyEvents.SubscriptionChange;
            case "MAILBOXMETADATACHANGE": return NotifyEvents.MailboxMetadataChange;
            case "SERVERMETADATACHANGE": return NotifyEvents.ServerMetadataChange;
            default: return NotifyEvents.Unknown;
        }
    }

    /// <summary>RFC 5465 §5, §6.1 and §8: what goes together.</summary>
    static void Demand(ref ImapReader r, NotifyGroup group)
    {
        const NotifyEvents Both = NotifyEvents.MessageNew | NotifyEvents.MessageExpunge;
        var events = group.Events;
        if ((events & NotifyEvents.Messages) != 0 && (events & Both) != Both) throw r.Bad("MessageNew and MessageExpunge go together, and FlagChange with them");
        if (group.IsSelected && (events & ~(NotifyEvents.Messages | NotifyEvents.Unknown)) != 0) throw r.Bad("of the selected mailbox there are events of messages only");
        if (!group.IsSelected && group.Fetch.Count > 0) throw r.Bad("items are for the selected mailbox");
    }
}
