using Posthorn.Imap.Access;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Posthorn.Wire.Connections;

namespace Posthorn.Imap.Extensions.Notify;

/// <summary>
/// What a session is told of since NOTIFY. Changes come from the store's writer and are only noted; they are looked up and
/// written by the session itself, between commands or while it waits for one.
/// </summary>
sealed class NotifyWatch : IDisposable
{
    /// <summary>Mailboxes that may have changes at a time before the client is told that it asks for too much (RFC 5465 §5.8).</summary>
    const int Most = 10_000;

    readonly ImapSession _session;
    readonly IReadOnlyList<NotifyGroup> _groups; // all but the one for the selected mailbox
    readonly NotifyGroup? _selected;
    readonly NameWatch _names;
    readonly Lock _noting = new();
    readonly Dictionary<long, IDisposable> _accounts = [];
    Dictionary<long, NotifyEvents> _pending = [];
    List<FeedItem> _annotated = [];
    readonly HashSet<uint> _ownNew = []; // in the selected mailbox
    HashSet<long> _renamed = [], _ownRenamed = [];
    bool _namesChanged;
    SelectedMailbox? _fetching;
    uint _fetchedTo;

    internal NotifyWatch(ImapSession session, IReadOnlyList<NotifyGroup> groups)
    {
        _session = session;
        _selected = groups.FirstOrDefault(static g => g.IsSelected);
        _groups = [.. groups.Where(static g => !g.IsSelected)];
        _names = new NameWatch(session, _groups);
        if (_groups.Count == 0 && _selected is null) return;
        // Before the first look: what happens meanwhile is told twice rather than never.
        session.Server.Feed.Add(OnFeed);
        Listen(session.Who!.AccountId);
    }

    /// <summary>Set whenever there may be something to tell.</summary>
    internal Signal Signal { get; } = new();

    /// <summary>False when nothing of the selected mailbox is to be told (RFC 5465 §3.1).</summary>
    internal bool TellsMessages => _selected is not null && _selected.Events != NotifyEvents.None;

    internal bool TellsFlags => _selected is not null && (_selected.Events & NotifyEvents.FlagChange) != 0;

    /// <summary>Looks at what there is, from which changes are told; with <paramref name="status"/> tells it.</summary>
    internal void Begin(bool status)
    {
        if (_groups.Count == 0) return;
        var tree = Read();
        _names.Learn(tree);
        _names.TellNoAccess(tree);
        if (!status) return;
        foreach (var entry in tree.Entries)
            if (entry.Mailbox is { } mailbox && mailbox.Id != _session.Selected?.MailboxId && Wanted(entry) is var events && (events & NotifyEvents.Messages) != 0)
                StatusWriter.Write(_session, mailbox, StatusItems.UidValidity | StatusItems.UidNext | StatusItems.Messages
                    | ((events & NotifyEvents.FlagChange) != 0 || _session.CondStore ? StatusItems.HighestModSeq : 0));
    }

    MailboxTree Read()
    {
        var tree = _session.Store.Read(unit => MailboxTree.Read(unit, _session.Who!.AccountId));
        foreach (var entry in tree.Entries)
            if (entry.Mailbox is { } mailbox) Listen(mailbox.AccountId);
        return tree;
    }

    void Listen(long account)
    {
        if (!_accounts.ContainsKey(account)) _accounts.Add(account, _session.Store.Changes.Subscribe(account, OnChanges));
    }

    /// <summary>Called by the store's writer: quick.</summary>
    void OnChanges(IReadOnlyList<Change> changes)
    {
        lock (_noting)
            foreach (var change in changes)
            {
                var own = ReferenceEquals(change.By, _session);
                var what = change.Kind switch
                {
                    ChangeKind.Arrived or ChangeKind.Placed => NotifyEvents.MessageNew,
                    ChangeKind.Expunged => NotifyEvents.MessageExpunge,
                    ChangeKind.Flags => NotifyEvents.FlagChange,
                    _ => NotifyEvents.None,
                };
                if (what == NotifyEvents.None)
                {
                    _namesChanged = true;
                    (own ? _ownRenamed : _renamed).Add(change.MailboxId);
                }
                else if (own)
                {
                    if (what == NotifyEvents.MessageNew && change.MailboxId == _session.Selected?.MailboxId) _ownNew.Add(change.Uid);
                }
                else if (_groups.Count > 0 && _pending.Count <= Most) _pending[change.MailboxId] = _pending.GetValueOrDefault(change.MailboxId) | what;
            }
        Signal.Set();
    }

    void OnFeed(FeedItem item)
    {
        if (ReferenceEquals(item.By, _session) || item.AccountId != 0 && item.AccountId != _session.Who?.AccountId) return;
        lock (_noting)
        {
            if (item.Entries.Count == 0) _namesChanged = true;
            else if (_annotated.Count <= Most) _annotated.Add(item);
        }
        Signal.Set();
    }

    /// <summary>Waits for octets of the client and tells of changes meanwhile; false when the session is over.</summary>
    internal async ValueTask<bool> WaitAsync()
    {
        var connection = _session.Connection;
        var deadline = connection.DeadlineAfter(_session.Server.Options.IdleTimeout);
        var selected = _session.Selected;
        selected?.View.Watch(Signal);
        connection.IdlePoint(true);
        try
        {
            Task<LineStatus>? more = null;
            while (true)
            {
                Signal.Reset();
                await TellAsync(mayExpunge: _selected?.Scope.Filter == MailboxFilter.Selected).ConfigureAwait(false);
                await connection.FlushAsync().ConfigureAwait(false);
                more ??= connection.FillAsync(deadline).AsTask();
                await Task.WhenAny(more, Signal.Task).ConfigureAwait(false);
                if (!more.IsCompleted) continue;
                return Go(await more.ConfigureAwait(false));
            }
        }
        finally
        {
            connection.IdlePoint(false);
            selected?.View.Unwatch(Signal);
        }
    }

    bool Go(LineStatus status)
    {
        if (status == LineStatus.Line) return true;
        if (status == LineStatus.Draining) _session.Drain();
        else if (status == LineStatus.TimedOut) _session.Bye("autologout", "autologout; idle for too long");
        else _session.End("connection lost");
        return false;
    }

    /// <summary>Tells all that has changed and is wanted.</summary>
    internal async ValueTask TellAsync(bool mayExpunge)
    {
        _session.Metadata?.Tell();
        if (TellsMessages && _session.Selected is { } selected) await SelectedAsync(selected, mayExpunge).ConfigureAwait(false);
        Dictionary<long, NotifyEvents> pending;
        List<FeedItem> annotated;
        HashSet<long> own;
        bool names;
        lock (_noting)
        {
            if (_pending.Count == 0 && _annotated.Count == 0 && !_namesChanged) return;
            (pending, _pending) = (_pending, []);
            (annotated, _annotated) = (_annotated, []);
            (names, _namesChanged) = (_namesChanged, false);
            // What others have done to it too has to be told.
            own = _ownRenamed;
            own.ExceptWith(_renamed);
            (_renamed, _ownRenamed) = ([], []);
        }
        if (_groups.Count == 0) return;
        if (pending.Count > Most || annotated.Count > Most)
        {
            _session.Untagged("OK"u8, "NOTIFICATIONOVERFLOW", "too much happens; nothing more will be told");
            _session.Watch(new NotifyWatch(_session, []), false);
            return;
        }
        var tree = Read();
        if (names) _names.Tell(tree, own);
        foreach (var entry in tree.Entries)
            if (entry.Mailbox is { } mailbox && pending.TryGetValue(mailbox.Id, out var events)) Status(entry, mailbox, events);
        foreach (var item in annotated) Annotated(tree, item);
    }

    async ValueTask SelectedAsync(SelectedMailbox selected, bool mayExpunge)
    {
        // What a command tells on its way is counted from here too.
        if (!ReferenceEquals(_fetching, selected))
        {
            Listen(selected.AccountId);
            (_fetching, _fetchedTo) = (selected, selected.Shown.UidNext);
        }
        selected.Tell(mayExpunge);
        var (shown, from) = (selected.Shown, _fetchedTo);
        _fetchedTo = shown.UidNext;
        var owed = selected.Contexts?.TakeOwed();
        if (shown.UidNext == from && owed is null) return;
        var come = new SortedDictionary<int, IReadOnlyList<FetchItem>>();
        if (owed is not null)
            foreach (var (uid, items) in owed)
                if (shown.IndexOf(uid) is >= 0 and var index) come[index] = items;
        if (_selected!.Fetch.Count > 0)
            lock (_noting)
            {
                for (var index = shown.FirstFrom(from); index < shown.Count; index++)
                    // RFC 5465 §5.2: not of what the client has put there itself; all that is wanted of a message at once.
                    if (!_ownNew.Contains(shown[index].Uid)) come[index] = come.TryGetValue(index, out var more) ? [.. _selected.Fetch.Union(more)] : _selected.Fetch;
                _ownNew.Clear();
            }
        await NewMessages.FetchAsync(_session, selected, come).ConfigureAwait(false);
    }

    NotifyEvents Wanted(TreeEntry entry)
    {
        const Rights Needed = Rights.Lookup | Rights.Read;
        var wanted = NotifyEvents.None;
        if ((entry.Rights & Needed) == Needed)
            foreach (var group in _groups)
                if (ScopeSet.Has(group.Scope, entry)) wanted |= group.Events;
        return wanted;
    }

    /// <summary>RFC 5465 §5.1 to §5.3: a mailbox that is not selected.</summary>
    void Status(TreeEntry entry, Mailbox mailbox, NotifyEvents events)
    {
        if (mailbox.Id == _session.Selected?.MailboxId) return;
        events &= Wanted(entry);
        var items = StatusItems.None;
        if ((events & (NotifyEvents.MessageNew | NotifyEvents.MessageExpunge)) != 0) items |= StatusItems.UidNext | StatusItems.Messages;
        if ((events & NotifyEvents.FlagChange) != 0) items |= StatusItems.UidValidity | StatusItems.Unseen;
        if (items == StatusItems.None) return;
        StatusWriter.Write(_session, mailbox, _session.CondStore ? items | StatusItems.HighestModSeq : items);
    }

    void Annotated(MailboxTree tree, FeedItem item)
    {
        if (_session.Metadata is not null) return; // tells all of them
        var name = "";
        if (item.MailboxId == 0)
        {
            if (!_groups.Any(static g => (g.Events & NotifyEvents.ServerMetadataChange) != 0)) return;
        }
        else if (tree.Entries.FirstOrDefault(e => e.Mailbox?.Id == item.MailboxId) is { } entry && (Wanted(entry) & NotifyEvents.MailboxMetadataChange) != 0) name = entry.Name;
        else return;
        Metadata.MetadataAnswer.Names(_session, name, item.Entries);
    }

    public void Dispose()
    {
        _session.Server.Feed.Remove(OnFeed);
        foreach (var one in _accounts.Values) one.Dispose();
        _accounts.Clear();
    }
}
