using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Access;

/// <summary>Which mailboxes a scope means (RFC 5465 §6, RFC 7377 §2.2), the selected one apart.</summary>
static class ScopeSet
{
    /// <summary>
    /// True when a mailbox is in a scope. Those that messages may be delivered to cannot be told from the others, so INBOXES
    /// is PERSONAL (RFC 5465 §6.3).
    /// </summary>
    internal static bool Has(MailboxScope scope, TreeEntry entry)
    {
        switch (scope.Filter)
        {
            case MailboxFilter.Personal or MailboxFilter.Inboxes:
                return !MailboxPlace.IsOther(entry.Name);
            case MailboxFilter.Subscribed:
                return entry.Subscribed;
            case MailboxFilter.Mailboxes:
                return scope.Mailboxes.Contains(entry.Name);
            case MailboxFilter.Subtree or MailboxFilter.SubtreeOne:
                if (scope.Mailboxes.Contains(entry.Name)) return true;
                // The one right above, or any.
                for (var at = entry.Name.LastIndexOf(MailboxName.Delimiter); at > 0; at = entry.Name.LastIndexOf(MailboxName.Delimiter, at - 1))
                {
                    if (scope.Mailboxes.Contains(entry.Name[..at])) return true;
                    if (scope.Filter == MailboxFilter.SubtreeOne) return false;
                }
                return false;
            default:
                return false;
        }
    }

    /// <summary>The mailboxes of any of some scopes that a client may read, each once, in the order of LIST.</summary>
    internal static IEnumerable<Mailbox> Resolve(MailboxTree tree, IReadOnlyList<MailboxScope> scopes)
    {
        const Rights Needed = Rights.Lookup | Rights.Read;
        foreach (var entry in tree.Entries)
            if (entry.Mailbox is { } mailbox && (entry.Rights & Needed) == Needed && scopes.Any(s => Has(s, entry))) yield return mailbox;
    }
}
