using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Access;

/// <summary>Where a name leads: to the client's own mailboxes, or to those of somebody else under <see cref="Others"/>.</summary>
/// <param name="Account">Whose mailboxes.</param>
/// <param name="Name">The name among the owner's.</param>
/// <param name="Prefix">What stands before it when it is shown to this client; empty for his own.</param>
readonly record struct MailboxPlace(long Account, string Name, string Prefix)
{
    /// <summary>The namespace of mailboxes that others share (RFC 2342 §5), one level for each owner.</summary>
    internal const string Others = "Other Users";

    internal bool IsOwn => Prefix.Length == 0;

    /// <summary>The name as this client sees it.</summary>
    internal string Shown(string name) => Prefix + name;

    /// <summary>Null for a name under <see cref="Others"/> that leads nowhere.</summary>
    internal static MailboxPlace? Of(ReadUnit unit, long who, string name)
    {
        name = MailboxName.Normal(name);
        if (!IsOther(name)) return new MailboxPlace(who, name, "");
        var rest = name.AsSpan(Math.Min(name.Length, Others.Length + 1));
        var slash = rest.IndexOf(MailboxName.Delimiter);
        if (slash < 0 || unit.Rights.Account(rest[..slash].ToString()) is not { } owner || owner == who) return null;
        var start = name.Length - rest.Length + slash + 1;
        return new MailboxPlace(owner, MailboxName.Normal(name[start..]), name[..start]);
    }

    internal static bool IsOther(string name) => name.StartsWith(Others, StringComparison.Ordinal) && (name.Length == Others.Length || name[Others.Length] == MailboxName.Delimiter);

    /// <summary>The name of a shared mailbox as those see it who do not own it.</summary>
    internal static string NameOf(string owner, string name) => $"{Others}{MailboxName.Delimiter}{owner}{MailboxName.Delimiter}{name}";

    /// <summary>What a client may do with a mailbox of this place.</summary>
    internal Rights RightsOf(ReadUnit unit, long who, Mailbox mailbox) =>
        IsOwn ? Rights.All : RightsText.TryRead(unit.Rights.Of(mailbox.Id, who), out var rights) ? rights : Rights.None;
}
