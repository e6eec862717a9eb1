using Posthorn.Accounts;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Delivery.Inbound;

/// <summary>The folder of an account that a message goes into.</summary>
static class Folder
{
    internal const string Inbox = "INBOX";

    /// <summary>The folder that the tag of the address names, in any case; null for INBOX.</summary>
    internal static Mailbox? Find(ReadUnit unit, Destination.Local local)
    {
        if (string.IsNullOrEmpty(local.Detail) || local.Detail.Equals(Inbox, StringComparison.OrdinalIgnoreCase)) return null;
        if (unit.Mailboxes.Find(local.AccountId, local.Detail) is { } exact) return exact;
        var all = unit.Mailboxes.List(local.AccountId);
        for (var i = 0; i < all.Count; i++)
            if (all[i].Name.Equals(local.Detail, StringComparison.OrdinalIgnoreCase)) return all[i];
        return null;
    }

    /// <summary>Files a message there.</summary>
    internal static Outcome File(WriteUnit unit, Destination.Local local, Mailbox? folder, NewMessage message)
    {
        // INBOX is found by the store while it files, which saves a query for most messages.
        var filed = folder is null ? unit.Mailboxes.DeliverToInbox(local.AccountId, message) : unit.Mailboxes.Deliver(local.AccountId, folder.Id, message);
        return new Outcome(OutcomeKind.Filed, folder?.Name ?? Inbox, filed.Uid);
    }
}
