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

    /// <summary>Changed mailboxes that are looked at one by one; with more the whole tree is read.</summary>
    const int MostByOne = 100;

    readonly ImapSession _session;
    readonly IReadOnlyList<NotifyGroup> _groups; // all but the one for the selected mailbox
    readonly NotifyGroup? _selected;
    readonly NameWatch _names;
    readonly Lock _noting = new();
    readonly Dictionary<long, IDisposable> _accounts = [];
    Dictionary<long, NotifyEvents> _pending = [];
    List<FeedItem> _annotated = [];
    HashSet<long> _renamed = [], _ownRenamed = []; // mailboxes that came, went, or have another name or subscription: by others, by this client
    bool _namesChanged; // more than those

    internal NotifyWatch(ImapSession session, IReadOnlyList<NotifyGroup> groups)
    {
        _session = session;
        _selected = groups.FirstOrDefault(static g => g.IsSelected);
        _groups = [.. groups.Where(static g => !g.IsSelected)];
        _names = new NameWatch(session, _groups);
        if (_groups.Count == 0) return;
        // Before the first look: what happens meanwhile is told twice rather than never.
        session.Server.Feed.Add(OnFeed);
        Listen(session.Who!.AccountId);
    }

    /// <summary>Set whenever there may be something to tell.</summary>
    internal Signal Signal { get; } = new();

    /// <summary>False when nothing of the selected mailbox is to be told (RFC 5465 §3.1).</summary>
    internal bool TellsMessages => _selected is not null && _selected.Events != NotifyEvents.None;

    /// <summary>What to tell of messages that come into the selected mailbox.</summary>
    internal IReadOnlyList<FetchItem> News => _selected?.Fetch ?? [];

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
                    if (change.MailboxId == 0 || change.AccountId != _session.Who?.AccountId) _namesChanged = true;
                    (own ? _ownRenamed : _renamed).Add(change.MailboxId);
                }
                else if (!own && _pending.Count <= Most) _pending[change.MailboxId] = _pending.GetValueOrDefault(change.MailboxId) | what;
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
                await _session.TellAsync(mayExpunge: _selected?.Scope.Filter == MailboxFilter.Selected).ConfigureAwait(false);
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
    internal void Tell(bool mayExpunge)
    {
        if (TellsMessages) _session.Selected?.Tell(mayExpunge);
        Dictionary<long, NotifyEvents> pending;
        List<FeedItem> annotated;
        HashSet<long> renamed, own;
        bool names;
        lock (_noting)
        {
            if (_pending.Count == 0 && _annotated.Count == 0 && _renamed.Count == 0 && _ownRenamed.Count == 0 && !_namesChanged) return;
            (pending, _pending) = (_pending, []);
            (annotated, _annotated) = (_annotated, []);
            (names, _namesChanged) = (_namesChanged, false);
            // What others have done to it too has to be told.
            own = [.. _ownRenamed.Except(_renamed)];
            renamed = [.. _renamed, .. own];
            (_renamed, _ownRenamed) = ([], []);
        }
        if (pending.Count > Most || annotated.Count > Most)
        {
            _session.Untagged("OK"u8, "NOTIFICATIONOVERFLOW", "too much happens; nothing more will be told");
            _session.Watch(new NotifyWatch(_session, []), false);
            return;
        }
        if (names || renamed.Count > MostByOne) _names.Tell(Read(), own);
        else if (renamed.Count > 0)
        {
            List<string> former = [.. renamed.Select(_names.Known).OfType<TreeEntry>().Select(static e => e.Name)];
            _names.Tell(_session.Store.Read(unit => MailboxTree.ReadPart(unit, _session.Who!.AccountId, renamed, former)), renamed, own);
        }
        foreach (var (entry, events) in Changed(pending)) Status(entry, entry.Mailbox!, events);
        foreach (var item in annotated) Annotated(item);
    }

    /// <summary>The mailboxes in which something happened, with their counts of now, by name: no others are read.</summary>
    List<(TreeEntry Entry, NotifyEvents Events)> Changed(Dictionary<long, NotifyEvents> pending)
    {
        if (pending.Count == 0) return [];
        var changed = new List<(TreeEntry Entry, NotifyEvents Events)>();
        _session.Store.Read(unit =>
        {
            foreach (var (id, events) in pending)
                if (_names.Known(id) is { Mailbox: { } known } entry && unit.Mailboxes.Get(known.AccountId, id) is { } mailbox)
                    changed.Add((entry with { Mailbox = mailbox with { Name = entry.Name } }, events));
            return changed.Count;
        });
        changed.Sort(static (x, y) => string.CompareOrdinal(x.Entry.Name, y.Entry.Name));
        return changed;
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

    void Annotated(FeedItem item)
    {
        if (_session.Metadata is not null) return; // tells all of them
        var name = "";
        if (item.MailboxId == 0)
        {
            if (!_groups.Any(static g => (g.Events & NotifyEvents.ServerMetadataChange) != 0)) return;
        }
        else if (_names.Known(item.MailboxId) is { } entry && (Wanted(entry) & NotifyEvents.MailboxMetadataChange) != 0) name = entry.Name;
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
