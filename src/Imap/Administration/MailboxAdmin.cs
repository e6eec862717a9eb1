using Posthorn.Imap.Commands;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Administration;

/// <summary>
/// What an administrator does to the mailboxes of somebody, by the rules that hold for the owner's own CREATE, RENAME and
/// DELETE. Each is called inside a unit of the store; a refusal is the reason in words, and then nothing was changed.
/// </summary>
public static class MailboxAdmin
{
    /// <summary>The separator of levels in names.</summary>
    public const char Delimiter = MailboxName.Delimiter;

    /// <summary>The one form of a name: INBOX in upper case, no separator at the end.</summary>
    public static string Normal(string name) => MailboxName.Normal(name.TrimEnd(Delimiter));

    /// <summary>True for a name that a mailbox may have.</summary>
    public static bool IsGood(string name) => MailboxName.IsGood(name);

    /// <summary>The word of RFC 6154 §2 for a role, without its backslash and in lower case; null for none.</summary>
    public static string? UseOf(MailboxRole role) => MailboxName.Use(role)?[1..].ToLowerInvariant();

    /// <summary>The role that such a word means, in any case and with or without the backslash; None for no word of it.</summary>
    public static MailboxRole RoleOf(string use) =>
        Enum.GetValues<MailboxRole>().FirstOrDefault(r => UseOf(r) is { } word && word.AsSpan().Equals(use.AsSpan().TrimStart('\\'), StringComparison.OrdinalIgnoreCase));

    /// <summary>Makes a mailbox and those above it that are missing, all subscribed; null when it was made.</summary>
    public static string? Create(WriteUnit unit, long accountId, string name, MailboxRole role)
    {
        name = Normal(name);
        if (!IsGood(name)) return $"no mailbox can be called \"{name}\"";
        var tables = unit.Mailboxes;
        if (tables.Find(accountId, name) is not null) return $"there is a mailbox {name}";
        if (role != MailboxRole.None && tables.List(accountId).FirstOrDefault(m => m.Role == role) is { } other) return $"{other.Name} is for that already";
        foreach (var above in MailboxName.Above(name))
            if (tables.Find(accountId, above) is null) tables.Create(accountId, above);
        tables.Create(accountId, name, role);
        return null;
    }

    /// <summary>Renames a mailbox with all below it; of INBOX, moves its messages. Null when it was done.</summary>
    public static string? Rename(WriteUnit unit, long accountId, string from, string to)
    {
        (from, to) = (Normal(from), Normal(to));
        if (!IsGood(to)) return $"no mailbox can be called \"{to}\"";
        var reply = RenameCommand.Rename(unit, accountId, from, to);
        return reply.Kind == ReplyKind.Ok ? null : reply.Text;
    }

    /// <summary>Removes a mailbox with its messages; null when it was done. One that has others below it stays, and so does INBOX.</summary>
    public static string? Delete(WriteUnit unit, long accountId, string name)
    {
        name = Normal(name);
        if (name == MailboxName.Inbox) return "INBOX stays";
        if (unit.Mailboxes.Find(accountId, name) is not { } mailbox) return $"there is no mailbox {name}";
        if (unit.Mailboxes.WithPrefix(accountId, name + Delimiter) is [var child, ..]) return $"{child.Name} is below it";
        unit.Mailboxes.DeleteMailbox(accountId, mailbox.Id, "operator");
        // Nobody is left subscribed to what the operator took away.
        unit.Subscriptions.Remove(accountId, name);
        return null;
    }
}
