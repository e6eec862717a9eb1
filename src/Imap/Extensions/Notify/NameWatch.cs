using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>The mailboxes that a client knows of, by their ids; tells what became of them since (RFC 5465 §5.4, §5.5).</summary>
sealed class NameWatch(ImapSession session, IReadOnlyList<NotifyGroup> groups)
{
    Dictionary<long, TreeEntry> _known = [];

    /// <summary>Takes a tree as known, without a word.</summary>
    internal void Learn(MailboxTree tree) => _known = ById(tree);

    /// <summary>A mailbox as it was last told of; null for one that is not known.</summary>
    internal TreeEntry? Known(long mailbox) => _known.GetValueOrDefault(mailbox);

    static Dictionary<long, TreeEntry> ById(MailboxTree tree) => tree.Entries.Where(static e => e.Mailbox is not null).ToDictionary(static e => e.Mailbox!.Id);

    /// <param name="own">What the client did itself: it knows (RFC 5465 §5).</param>
    internal void Tell(MailboxTree tree, HashSet<long> own)
    {
        var before = _known;
        _known = ById(tree);
        Tell(tree, before, _known, own);
    }

    /// <summary>The same, of some mailboxes only.</summary>
    /// <param name="tree">What they and those around them are now.</param>
    internal void Tell(MailboxTree tree, IReadOnlyCollection<long> changed, HashSet<long> own)
    {
        var before = new Dictionary<long, TreeEntry>();
        var now = new Dictionary<long, TreeEntry>();
        var all = ById(tree);
        foreach (var id in changed)
        {
            if (_known.Remove(id, out var was)) before.Add(id, was);
            if (!all.TryGetValue(id, out var entry)) continue;
            now.Add(id, entry);
            _known.Add(id, entry);
        }
        Tell(tree, before, now, own);
    }

    void Tell(MailboxTree tree, Dictionary<long, TreeEntry> before, Dictionary<long, TreeEntry> now, HashSet<long> own)
    {
        var parents = new SortedSet<string>(StringComparer.Ordinal);
        var told = new HashSet<string>(StringComparer.Ordinal);
        var renamed = now.Where(n => before.TryGetValue(n.Key, out var old) && old.Name != n.Value.Name).ToDictionary(n => before[n.Key].Name, static n => n.Value.Name, StringComparer.Ordinal);
        foreach (var (id, entry) in before)
            if (!now.ContainsKey(id) && !own.Contains(id) && Wants(NotifyEvents.MailboxName, entry))
            {
                // The name may stand for another mailbox already, of which what follows tells.
                if (tree.Find(entry.Name) is not { Mailbox: not null }) Line(entry.Name, "\\NonExistent", entry.Subscribed && tree.Find(entry.Name) is { Subscribed: true }, null, null);
                Note(parents, entry.Name);
            }
        foreach (var (id, entry) in now)
        {
            if (own.Contains(id)) continue;
            var old = before.GetValueOrDefault(id);
            if (old is null ? !Wants(NotifyEvents.MailboxName, entry)
                : old.Name != entry.Name ? WithParent(renamed, old.Name, entry.Name) || !Wants(NotifyEvents.MailboxName, entry) && !Wants(NotifyEvents.MailboxName, old)
                : old.Subscribed == entry.Subscribed || !Wants(NotifyEvents.SubscriptionChange, entry) && !Wants(NotifyEvents.SubscriptionChange, old)) continue;
            Line(entry.Name, null, entry.Subscribed, entry.HasChildren, old is not null && old.Name != entry.Name ? old.Name : null);
            told.Add(entry.Name);
            if (old is null) Note(parents, entry.Name);
        }
        foreach (var parent in parents)
            if (tree.Find(parent) is { } entry && told.Add(parent) && Wants(NotifyEvents.MailboxName, entry))
                Line(entry.Name, entry.Mailbox is null ? "\\NonExistent" : null, entry.Subscribed, entry.HasChildren, null);
        // RFC 5465 §5.1: whoever hears of flags has to hear of this, with the parent's new name or not.
        foreach (var (id, entry) in now)
            if (before.TryGetValue(id, out var old) && old.Mailbox!.UidValidity != entry.Mailbox!.UidValidity && !own.Contains(id)
                && id != session.Selected?.MailboxId && (entry.Rights & Rights.Read) != 0 && Wants(NotifyEvents.FlagChange, entry))
                StatusWriter.Write(session, entry.Mailbox, StatusItems.UidValidity | StatusItems.UidNext | StatusItems.Messages);
    }

    /// <summary>RFC 5465 §5.4: what went along with the mailbox above it is not told of.</summary>
    static bool WithParent(Dictionary<string, string> renamed, string old, string now)
    {
        foreach (var above in MailboxName.Above(old))
            if (renamed.TryGetValue(above, out var to) && now == to + old[above.Length..]) return true;
        return false;
    }

    static void Note(SortedSet<string> parents, string name)
    {
        var slash = name.LastIndexOf(MailboxName.Delimiter);
        if (slash > 0) parents.Add(name[..slash]);
    }

    bool Wants(NotifyEvents what, TreeEntry entry) => groups.Any(g => (g.Events & what) != 0 && ScopeSet.Has(g.Scope, entry));

    /// <summary>RFC 5465 §3.1: mailboxes that may be seen, but not read, in a scope that asks for more than that.</summary>
    internal void TellNoAccess(MailboxTree tree)
    {
        foreach (var entry in tree.Entries)
            if (entry.Mailbox is not null && (entry.Rights & Rights.Read) == 0 && groups.Any(g => g.Events != NotifyEvents.None && ScopeSet.Has(g.Scope, entry)))
                Line(entry.Name, "\\NoAccess", entry.Subscribed, entry.HasChildren, null);
    }

    void Line(string name, string? attribute, bool subscribed, bool? children, string? oldName)
    {
        var output = session.Out;
        List<string> attributes = attribute is null ? [] : [attribute];
        if (subscribed) attributes.Add("\\Subscribed");
        if (children is { } has) attributes.Add(has ? "\\HasChildren" : "\\HasNoChildren");
        output.Raw("* LIST ("u8);
        output.Raw(System.Text.Encoding.ASCII.GetBytes(string.Join(' ', attributes)));
        output.Raw(") \"/\" "u8);
        output.Mailbox(name);
        if (oldName is not null)
        {
            output.Raw(" (\"OLDNAME\" ("u8);
            output.Mailbox(oldName);
            output.Raw("))"u8);
        }
        output.EndLine();
    }
}
