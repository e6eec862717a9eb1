using System.Net;

namespace Posthorn.Delivery.Outbound;

/// <summary>Sessions that wait for another message: at most half a minute, at most so many. Thread-safe.</summary>
sealed class SessionPool : IAsyncDisposable
{
    /// <summary>Others may close earlier; this is how long we keep a place of theirs.</summary>
    internal static readonly TimeSpan MostIdle = TimeSpan.FromSeconds(30);

    /// <summary>All idle sessions together: each holds a descriptor here and a process there.</summary>
    const int MostKept = 100;

    readonly Lock _lock = new();
    readonly LinkedList<HostSession> _idle = new(); // oldest first
    readonly HashSet<Task> _closing = [];
    readonly TimeProvider _time;
    readonly ITimer _timer;
    bool _closed;

    internal SessionPool(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => CloseOld(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A session with one of these addresses that is alive, the one used last first; null when there is none.</summary>
    internal HostSession? Take(IReadOnlyList<EndPoint> addresses, MailHost host, Manner manner)
    {
        while (true)
        {
            HostSession? found;
            lock (_lock)
            {
                if (_idle.Count == 0) return null;
                found = Find(addresses, host, manner);
                if (found is null) return null;
            }
            if (found.Session.IsAlive()) return found;
            CloseLater(found);
        }
    }

    HostSession? Find(IReadOnlyList<EndPoint> addresses, MailHost host, Manner manner)
    {
        for (var node = _idle.Last; node is not null; node = node.Previous)
        {
            var key = node.Value.Key;
            if (key.TlsName != host.TlsName || key.Manner != manner || !addresses.Contains(key.Address)) continue;
            _idle.Remove(node);
            return node.Value;
        }
        return null;
    }

    /// <summary>Takes a session that may carry another message; closes it when it has carried enough.</summary>
    internal void Give(HostSession session)
    {
        var tooMany = default(HostSession);
        lock (_lock)
        {
            if (_closed || session.Used >= HostSession.MostMessages) tooMany = session;
            else
            {
                session.IdleSince = _time.GetTimestamp();
                _idle.AddLast(session);
                if (_idle.Count == 1) _timer.Change(MostIdle, Timeout.InfiniteTimeSpan);
                if (_idle.Count > MostKept)
                {
                    tooMany = _idle.First!.Value;
                    _idle.RemoveFirst();
                }
            }
        }
        if (tooMany is not null) CloseLater(tooMany);
    }

    /// <summary>Closes a session without holding up whoever had it: QUIT may take seconds.</summary>
    internal void CloseLater(HostSession session)
    {
        var closing = CloseAsync(session);
        if (closing.IsCompleted) return;
        lock (_lock) _closing.Add(closing);
        _ = closing.ContinueWith(t => { lock (_lock) _closing.Remove(t); }, TaskScheduler.Default);
    }

    static async Task CloseAsync(HostSession session)
    {
        await Task.Yield();
        try { await session.DisposeAsync().ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or ObjectDisposedException or System.Net.Sockets.SocketException) { }
    }

    void CloseOld()
    {
        var old = new List<HostSession>();
        lock (_lock)
        {
            while (_idle.First is { } first)
            {
                var left = MostIdle - _time.GetElapsedTime(first.Value.IdleSince);
                if (left > TimeSpan.Zero)
                {
                    _timer.Change(left, Timeout.InfiniteTimeSpan);
                    break;
                }
                old.Add(first.Value);
                _idle.RemoveFirst();
            }
        }
        foreach (var session in old) CloseLater(session);
    }

    /// <summary>Closes what is idle and whatever is given back from now on.</summary>
    public async ValueTask DisposeAsync()
    {
        List<HostSession> all;
        lock (_lock)
        {
            _closed = true;
            all = [.. _idle];
            _idle.Clear();
        }
        await _timer.DisposeAsync().ConfigureAwait(false);
        foreach (var session in all) CloseLater(session);
        Task[] closing;
        lock (_lock) closing = [.. _closing];
        await Task.WhenAll(closing).ConfigureAwait(false);
    }
}
