namespace Posthorn.Tests.Testing.Time;

/// <summary>A clock that stands until the test moves it; timers fire in order while it moves.</summary>
public sealed class FakeTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<FakeTimer> _timers = [];
    TimeSpan _jumped;
    DateTimeOffset _now = start ?? new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override DateTimeOffset GetUtcNow() { lock (_lock) return _now + _jumped; }
    public override long GetTimestamp() { lock (_lock) return _now.UtcTicks; }
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How many timers are waiting.</summary>
    public int Timers { get { lock (_lock) return _timers.Count; } }

    /// <summary>How long until the next timer fires; null when none waits.</summary>
    public TimeSpan? NextTimer
    {
        get { lock (_lock) return _timers.Count == 0 ? null : _timers.Min(t => t.Due) - _now; }
    }

    DateTimeOffset Monotonic { get { lock (_lock) return _now; } }

    /// <summary>Sets the wall clock, as an administrator or a time server does: no timer fires, and monotonic time goes on as before.</summary>
    public void Jump(TimeSpan by) { lock (_lock) _jumped += by; }

    /// <summary>Moves the clock and fires what becomes due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        var end = Monotonic + by;
        while (true)
        {
            FakeTimer? next;
            lock (_lock)
            {
                next = _timers.Where(t => t.Due <= end).MinBy(t => t.Due);
                if (next is null) { _now = end; return; }
                if (next.Due > _now) _now = next.Due;
                next.Rearm();
            }
            next.Fire();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var t = new FakeTimer(this, callback, state);
        t.Change(dueTime, period);
        return t;
    }

    sealed class FakeTimer(FakeTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        TimeSpan _period;
        internal DateTimeOffset Due { get; private set; }
        internal void Fire() => callback(state);

        internal void Rearm()
        {
            if (_period > TimeSpan.Zero) Due += _period;
            else clock._timers.Remove(this);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = clock._now + dueTime;
                _period = period;
                clock._timers.Add(this);
                return true;
            }
        }

        public void Dispose() { lock (clock._lock) clock._timers.Remove(this); }
        public ValueTask DisposeAsync() { Dispose(); return ValueTask.CompletedTask; }
    }
}
