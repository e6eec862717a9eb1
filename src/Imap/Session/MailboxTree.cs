using Posthorn.Imap.Access;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Session;

/// <summary>A name that LIST may show.</summary>
/// <param name="Mailbox">Null for a name that is only subscribed to, or only above others.</param>
sealed record TreeEntry(string Name, Mailbox? Mailbox)
{
    internal bool Subscribed { get; set; }

    internal Rights Rights { get; init; } = Rights.All;

    internal bool HasChildren { get; set; }

    internal MailboxRole Role => Mailbox?.Role ?? MailboxRole.None;
}

/// <summary>The names of an account, INBOX first, with what each has below it.</summary>
sealed class MailboxTree
{
    readonly SortedDictionary<string, TreeEntry> _entries = new(NameOrder.Instance);

    internal IEnumerable<TreeEntry> Entries => _entries.Values;

    internal static MailboxTree Read(ReadUnit unit, long accountId)
    {
        var tree = new MailboxTree();
        foreach (var mailbox in unit.Mailboxes.List(accountId)) tree._entries.Add(mailbox.Name, new TreeEntry(mailbox.Name, mailbox) { Subscribed = mailbox.Subscribed });
        foreach (var (mailbox, rights) in MailboxAccess.Shared(unit, accountId)) tree._entries.TryAdd(mailbox.Name, new TreeEntry(mailbox.Name, mailbox) { Rights = rights });
        foreach (var name in unit.Subscriptions.Names(accountId))
            if (!tree._entries.TryAdd(name, new TreeEntry(name, null) { Subscribed = true })) tree._entries[name].Subscribed = true;
        foreach (var entry in tree._entries.Values.ToList())
            foreach (var above in MailboxName.Above(entry.Name)) tree.Note(above, entry);
        return tree;
    }

    void Note(string above, TreeEntry entry)
    {
        if (!_entries.TryGetValue(above, out var parent)) _entries.Add(above, parent = new TreeEntry(above, null));
        parent.HasChildren |= entry.Mailbox is not null;
    }

    /// <summary>INBOX and what is below it first, then by level, each in the order of its characters.</summary>
    sealed class NameOrder : IComparer<string>
    {
        internal static readonly NameOrder Instance = new();

        public int Compare(string? x, string? y)
        {
            var (a, b) = (IsInbox(x!), IsInbox(y!));
            if (a != b) return a ? -1 : 1;
            var length = Math.Min(x!.Length, y!.Length);
            for (var i = 0; i < length; i++)
                if (x[i] != y[i]) return x[i] == MailboxName.Delimiter ? -1 : y[i] == MailboxName.Delimiter ? 1 : x[i].CompareTo(y[i]);
            return x.Length.CompareTo(y.Length);
        }

        static bool IsInbox(string name) => name.StartsWith(MailboxName.Inbox, StringComparison.Ordinal) && (name.Length == MailboxName.Inbox.Length || name[MailboxName.Inbox.Length] == MailboxName.Delimiter);
    }
}
