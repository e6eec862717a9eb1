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
    readonly Dictionary<string, TreeEntry> _entries = new(StringComparer.Ordinal);
    TreeEntry[]? _sorted;

    internal IReadOnlyList<TreeEntry> Entries => _sorted ??= [.. _entries.Values.OrderBy(static e => e.Name, NameOrder.Instance)];

    /// <summary>Those of some names, in the order of all: of many mailboxes a client mostly asks for few.</summary>
    internal IEnumerable<TreeEntry> Matching(Predicate<string> wanted) => _entries.Values.Where(e => wanted(e.Name)).OrderBy(static e => e.Name, NameOrder.Instance);

    internal TreeEntry? Find(string name) => _entries.GetValueOrDefault(name);

    internal static MailboxTree Read(ReadUnit unit, long accountId)
    {
        var tree = new MailboxTree();
        foreach (var mailbox in unit.Mailboxes.List(accountId)) tree._entries.Add(mailbox.Name, new TreeEntry(mailbox.Name, mailbox) { Subscribed = mailbox.Subscribed });
        foreach (var (mailbox, rights) in MailboxAccess.Shared(unit, accountId)) tree._entries.TryAdd(mailbox.Name, new TreeEntry(mailbox.Name, mailbox) { Rights = rights });
        foreach (var name in unit.Subscriptions.Names(accountId))
            if (!tree._entries.TryAdd(name, new TreeEntry(name, null) { Subscribed = true })) tree._entries[name].Subscribed = true;
        foreach (var entry in tree._entries.Values.ToList()) tree.NoteAbove(entry);
        return tree;
    }

    /// <summary>
    /// As much of the tree of a client's own mailboxes as a few changes ask for: some mailboxes, those right above them and
    /// above some names, and what is still subscribed to of those names. It knows not what is subscribed to below a name.
    /// </summary>
    internal static MailboxTree ReadPart(ReadUnit unit, long accountId, IReadOnlyCollection<long> mailboxes, IReadOnlyCollection<string> names)
    {
        var tree = new MailboxTree();
        foreach (var id in mailboxes)
            if (unit.Mailboxes.Get(accountId, id) is { } mailbox) tree.Take(unit, mailbox);
        foreach (var name in unit.Subscriptions.Names(accountId).Intersect(names)) tree._entries.TryAdd(name, new TreeEntry(name, null) { Subscribed = true });
        foreach (var name in tree._entries.Keys.Concat(names).ToList())
            if (name.LastIndexOf(MailboxName.Delimiter) is > 0 and var end && !tree._entries.ContainsKey(name[..end]) && unit.Mailboxes.Find(accountId, name[..end]) is { } parent)
                tree.Take(unit, parent);
        return tree;
    }

    void Take(ReadUnit unit, Mailbox mailbox) => _entries[mailbox.Name] = new TreeEntry(mailbox.Name, mailbox)
    {
        Subscribed = mailbox.Subscribed,
        HasChildren = unit.Mailboxes.AnyWithPrefix(mailbox.AccountId, mailbox.Name + MailboxName.Delimiter),
    };

    /// <summary>Tells the names above a mailbox, or a name that is subscribed to, of it. What one of them knows already, those above that one know too.</summary>
    void NoteAbove(TreeEntry entry)
    {
        var names = _entries.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var end = entry.Name.LastIndexOf(MailboxName.Delimiter); end >= 0; end = end == 0 ? -1 : entry.Name.LastIndexOf(MailboxName.Delimiter, end - 1))
        {
            var above = entry.Name.AsSpan(0, end);
            if (!names.TryGetValue(above, out var parent)) names[above] = parent = new TreeEntry(above.ToString(), null);
            if (parent.HasChildren) return;
            parent.HasChildren = entry.Mailbox is not null;
        }
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
