using Posthorn.Imap.Extensions.Notify;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Extensions.Metadata;

/// <summary>Tells a session that has enabled METADATA which annotations others have changed (RFC 5464 §4.4).</summary>
sealed class MetadataWatch : IDisposable
{
    /// <summary>Changes that may wait; of more the client is told what comes first, and has to ask for the rest anyway.</summary>
    const int Most = 1000;

    readonly ImapSession _session;
    readonly Lock _noting = new();
    List<FeedItem> _pending = [];

    internal MetadataWatch(ImapSession session)
    {
        _session = session;
        session.Server.Feed.Add(OnFeed);
    }

    /// <summary>Set whenever there is something to tell.</summary>
    internal Signal Signal { get; } = new();

    void OnFeed(FeedItem item)
    {
        if (item.Entries.Count == 0 || ReferenceEquals(item.By, _session) || item.AccountId != 0 && item.AccountId != _session.Who?.AccountId) return;
        lock (_noting)
            if (_pending.Count < Most) _pending.Add(item);
        Signal.Set();
        _session.Notify?.Signal.Set();
    }

    internal void Tell()
    {
        List<FeedItem> pending;
        lock (_noting)
        {
            if (_pending.Count == 0) return;
            (pending, _pending) = (_pending, []);
        }
        var tree = _session.Store.Read(unit => MailboxTree.Read(unit, _session.Who!.AccountId));
        foreach (var item in pending)
            if (item.MailboxId == 0) MetadataAnswer.Names(_session, "", item.Entries);
            else if (tree.Entries.FirstOrDefault(e => e.Mailbox?.Id == item.MailboxId) is { } entry && MetadataAccess.May(entry.Rights))
                MetadataAnswer.Names(_session, entry.Name, item.Entries);
    }

    public void Dispose() => _session.Server.Feed.Remove(OnFeed);
}
