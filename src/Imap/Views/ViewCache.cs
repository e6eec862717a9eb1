using Posthorn.Storage;

namespace Posthorn.Imap.Views;

/// <summary>
/// The views of mailboxes that are selected, and for a while of those that were: coming back to a mailbox costs no scan.
/// Thread-safe.
/// </summary>
sealed class ViewCache : IDisposable
{
    /// <summary>Messages that views nobody uses may hold together: 20 MB.</summary>
    const int MostIdleRows = 500_000;

    /// <summary>What a view costs beside its messages, in messages.</summary>
    const int Overhead = 100;

    readonly MailStore _store;
    readonly TimeProvider _time;
    readonly TimeSpan _keep;
    readonly Lock _lock = new();
    readonly Dictionary<long, Entry> _views = [];
    readonly ITimer _sweep;
    int _left; // rows of views that were left since the last sweep

    /// <param name="keep">How long a view stays that nobody uses.</param>
    internal ViewCache(MailStore store, TimeProvider time, TimeSpan keep)
    {
        (_store, _time, _keep) = (store, time, keep);
        _sweep = time.CreateTimer(_ => Sweep(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>Views in memory now.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _views.Count;
        }
    }

    /// <summary>The view of a mailbox, made when nobody has it. <see cref="Release"/> it once.</summary>
    internal MailboxView Take(long accountId, long mailboxId)
    {
        Entry entry;
        lock (_lock)
        {
            if (!_views.TryGetValue(mailboxId, out entry!)) _views.Add(mailboxId, entry = new Entry(() => new MailboxView(_store, accountId, mailboxId)));
            entry.Users++;
        }
        // Outside the lock: the scan of a large mailbox holds up only those who want that mailbox.
        try { return entry.View.Value; }
        catch
        {
            lock (_lock)
            {
                if (_views.TryGetValue(mailboxId, out var broken) && broken == entry) _views.Remove(mailboxId);
            }
            throw;
        }
    }

    /// <summary>The view of a mailbox if it is in memory.</summary>
    internal MailboxView? Find(long mailboxId)
    {
        lock (_lock) return _views.TryGetValue(mailboxId, out var entry) && entry.View.IsValueCreated ? entry.View.Value : null;
    }

    internal void Release(MailboxView view)
    {
        lock (_lock)
        {
            if (!_views.TryGetValue(view.MailboxId, out var entry) || entry.View.Value != view || --entry.Users > 0) return;
            entry.Left = _time.GetTimestamp();
            _left += view.Current.Count + Overhead;
            if (_left <= MostIdleRows / 8) return;
        }
        // Who goes through many mailboxes in no time shall not fill the memory until the next minute.
        Sweep();
    }

    /// <summary>Drops what has not been used for a while, and the oldest of what is beyond the limit.</summary>
    internal void Sweep()
    {
        List<MailboxView> old = [];
        lock (_lock)
        {
            var rows = 0L;
            _left = 0;
            foreach (var (id, entry) in _views.Where(static v => v.Value.Users == 0).OrderByDescending(static v => v.Value.Left).ToList())
            {
                rows += entry.View.Value.Current.Count + Overhead;
                if (rows <= MostIdleRows && _time.GetElapsedTime(entry.Left) < _keep) continue;
                _views.Remove(id);
                old.Add(entry.View.Value);
            }
        }
        foreach (var view in old) view.Dispose();
    }

    public void Dispose()
    {
        _sweep.Dispose();
        lock (_lock)
        {
            foreach (var entry in _views.Values)
                if (entry.View.IsValueCreated) entry.View.Value.Dispose();
            _views.Clear();
        }
    }

    sealed class Entry(Func<MailboxView> make)
    {
        internal Lazy<MailboxView> View { get; } = new(make);
        internal int Users { get; set; }
        internal long Left { get; set; }
    }
}
