using System.Text;
using Posthorn.Imap.Commands;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Sharing;

namespace Posthorn.Imap.Extensions.Metadata;

/// <summary>The entry /private/specialuse (RFC 6154 §4): not kept as an annotation, it is the role of the mailbox.</summary>
static class SpecialUse
{
    internal const string Name = "/specialuse";

    internal static bool Is(EntryName entry) => entry is { Private: true, Name: Name };

    /// <summary>The entry of a mailbox; null for one without a use, and for those of others.</summary>
    internal static Annotation? Of(ReadUnit unit, long who, long mailbox) =>
        mailbox != AnnotationTable.Server && unit.Mailboxes.Get(who, mailbox) is { } row && MailboxName.Use(row.Role) is { } use ? new Annotation(Name, Encoding.ASCII.GetBytes(use)) : null;

    /// <summary>Gives a mailbox a use, or takes it, by the rules of CREATE, but that another one which has it loses it.</summary>
    /// <param name="lost">The mailbox that had the use; null for none.</param>
    /// <returns>Why it cannot be; null when it is done.</returns>
    internal static Reply? Set(WriteUnit unit, long who, long mailbox, byte[]? value, out Mailbox? lost)
    {
        lost = null;
        var role = MailboxRole.None;
        var use = Encoding.Latin1.GetString(value ?? []).Trim();
        if (use.Length > 0 && (use[0] != '\\' || !CreateCommand.TryRole(use[1..], out role)) || unit.Mailboxes.Get(who, mailbox) is not { Role: not MailboxRole.Inbox } row)
            return Reply.No("USEATTR", "a mailbox cannot be for that");
        if (row.Role == role) return null;
        if (role != MailboxRole.None && unit.Mailboxes.List(who).FirstOrDefault(m => m.Role == role) is { } other)
        {
            unit.Mailboxes.SetRole(who, other.Id, MailboxRole.None);
            lost = other;
        }
        unit.Mailboxes.SetRole(who, mailbox, role);
        return null;
    }
}
