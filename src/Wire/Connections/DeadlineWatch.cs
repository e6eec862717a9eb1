using System.Collections.Concurrent;

namespace Posthorn.Wire.Connections;

/// <summary>
/// Looks at the deadline of every open connection once a second. A timer or a cancellation per read would cost more than
/// the read itself; a second of grace costs nothing.
/// </summary>
public sealed class DeadlineWatch : IDisposable
{
    readonly ConcurrentDictionary<Connection, byte> _open = new();
    readonly TimeProvider _time;
    readonly ITimer _timer;

    public DeadlineWatch(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(_ => Tick(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>The connections that are open now.</summary>
    public ICollection<Connection> Open => _open.Keys;

    /// <summary>How many connections are open now.</summary>
    public int Count => _open.Count;

    public void Add(Connection c) => _open.TryAdd(c, 0);

    public void Remove(Connection c) => _open.TryRemove(c, out _);

    void Tick()
    {
        var now = _time.GetTimestamp();
        foreach (var (c, _) in _open) c.CheckDeadline(now);
    }

    public void Dispose() => _timer.Dispose();
}
