using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Views;

/// <summary>
/// A mailbox in memory, once for all sessions that have it selected. Committed changes come from the store as events and are
/// taken in when somebody looks; each look gives an immutable <see cref="Snapshot"/>. Thread-safe.
/// </summary>
sealed class MailboxView : IDisposable
{
    /// <summary>Changes that may wait before they are taken in though nobody looks.</summary>
    const int MostWaiting = 1000;

    readonly MailStore _store;
    readonly Lock _taking = new(), _queue = new(), _recent = new();
    readonly IDisposable _subscription;
    List<Change> _waiting = [];
    volatile Signal[] _signals = [];
    volatile (long Account, int Times)[] _keyResets = [];
    Snapshot _current;
    long _number; // the last change that the snapshot has seen
    uint _recentFrom;

    internal MailboxView(MailStore store, long accountId, long mailboxId)
    {
        (_store, AccountId, MailboxId) = (store, accountId, mailboxId);
        _subscription = store.Changes.Subscribe(accountId, Feed);
        try { _current = Load(); }
        catch
        {
            _subscription.Dispose();
            throw;
        }
    }

    internal long AccountId { get; }

    internal long MailboxId { get; }

    /// <summary>The messages as of now.</summary>
    internal Snapshot Current
    {
        get
        {
            lock (_taking) return _current = TakeIn();
        }
    }

    /// <summary>Changes whenever a message of the mailbox does; <see cref="Unwatch"/> ends that.</summary>
    internal void Watch(Signal signal)
    {
        lock (_queue) _signals = [.. _signals, signal];
    }

    internal void Unwatch(Signal signal)
    {
        lock (_queue) _signals = [.. _signals.Where(s => s != signal)];
    }

    /// <summary>How often an account has taken back its URLs of this mailbox while it was in memory (RFC 4467 §7, RESETKEY).</summary>
    internal int KeyResets(long account)
    {
        foreach (var (of, times) in _keyResets)
            if (of == account) return times;
        return 0;
    }

    /// <summary>An account has taken back its URLs: its sessions that have the mailbox selected are to say so.</summary>
    internal void ResetKey(long account)
    {
        lock (_queue) _keyResets = [.. _keyResets.Where(r => r.Account != account), (account, KeyResets(account) + 1)];
        foreach (var signal in _signals) signal.Set();
    }

    /// <summary>
    /// Takes the messages that nobody was told of as \Recent, up to <paramref name="below"/>: they are recent for the caller
    /// (RFC 3501 §2.3.2). Returns the first of them; with none it is not below <paramref name="below"/>.
    /// </summary>
    /// <param name="keep">True for a session that only looks, to which they are recent too, but which does not take them.</param>
    internal uint TakeRecent(uint below, bool keep)
    {
        lock (_recent)
        {
            var first = _recentFrom;
            if (!keep && first < below) _recentFrom = below;
            return first;
        }
    }

    /// <summary>Called by the store's writer: quick, never waits for a reader.</summary>
    void Feed(IReadOnlyList<Change> changes)
    {
        var any = false;
        lock (_queue)
        {
            foreach (var change in changes)
            {
                if (change.MailboxId != MailboxId) continue;
                _waiting.Add(change);
                any = true;
            }
        }
        if (!any) return;
        foreach (var signal in _signals) signal.Set();
        if (_waiting.Count > MostWaiting) ThreadPool.UnsafeQueueUserWorkItem(static view => _ = view.Current, this, preferLocal: false);
    }

    Snapshot Load() => _store.Read(unit =>
    {
        _number = unit.Mailboxes.State(AccountId);
        var mailbox = unit.Mailboxes.Get(AccountId, MailboxId) ?? throw new StoreException($"account {AccountId} has no mailbox {MailboxId}");
        _recentFrom = unit.Places.RecentFrom(MailboxId);
        var keywords = new KeywordSets();
        var builder = new SnapshotBuilder(keywords, mailbox.UidNext, mailbox.HighestModSeq);
        unit.Places.Scan(MailboxId, 1, (in Placement place) => builder.Append(Row.Of(place, keywords)));
        return builder.Build();
    });

    Snapshot TakeIn()
    {
        List<Change> changes;
        lock (_queue)
        {
            if (_waiting.Count == 0) return _current;
            (changes, _waiting) = (_waiting, []);
        }
        if (_current.Keywords.Count > KeywordSets.Most) return Load();
        var builder = new SnapshotBuilder(_current);
        foreach (var change in changes)
        {
            // What the loading scan has seen already comes as an event too.
            if (change.Number <= _number) continue;
            _number = change.Number;
            builder.Saw(change.Number);
            if (change.Kind == ChangeKind.Expunged) builder.Remove(change.Uid);
            else if (change.Kind is ChangeKind.Arrived or ChangeKind.Placed or ChangeKind.Flags && (change.Place ?? Ask(change)) is { } place)
            {
                if (change.Kind == ChangeKind.Flags) builder.Flag(change.Uid, place.Flags, place.Keywords, change.Number);
                else builder.Append(Row.Of(change, place, _current.Keywords));
            }
        }
        return builder.Build();
    }

    /// <summary>The place of a change that another node made; null when it is gone again, of which an event will tell.</summary>
    PlaceState? Ask(Change change) => _store.Read(unit => unit.Places.Find(MailboxId, change.Uid)) is { } p
        ? new PlaceState(p.Flags, p.Keywords, p.Size, p.Received, p.Saved)
        : null;

    public void Dispose() => _subscription.Dispose();
}
