using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>Something that the store's log of changes does not tell: annotations, or who may see which mailbox.</summary>
/// <param name="MailboxId">0 for the server.</param>
/// <param name="AccountId">Whom it concerns; 0 for everybody.</param>
/// <param name="Entries">Annotations that were set or taken away; empty when mailboxes may have come into sight or gone out of it.</param>
/// <param name="By">The session that did it, which need not be told; null for somebody else.</param>
sealed record FeedItem(long MailboxId, long AccountId, IReadOnlyList<string> Entries, ImapSession? By = null);

/// <summary>Hands such changes of this process to the sessions that asked for them. Thread-safe.</summary>
sealed class ServerFeed
{
    readonly Lock _changing = new();
    volatile Action<FeedItem>[] _handlers = [];

    internal void Add(Action<FeedItem> handler)
    {
        lock (_changing) _handlers = [.. _handlers, handler];
    }

    internal void Remove(Action<FeedItem> handler)
    {
        lock (_changing) _handlers = [.. _handlers.Where(h => h != handler)];
    }

    /// <summary>To be called after what it tells of is committed.</summary>
    internal void Publish(FeedItem item)
    {
        foreach (var handler in _handlers) handler(item);
    }
}
