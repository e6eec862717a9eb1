namespace Posthorn.Tests.Unit.Accounts;

/// <summary>A clock that stands until it is moved; its timers fire in the thread that moves it.</summary>
sealed class ManualClock : TimeProvider
{
    readonly List<Timer> _timers = [];
    DateTimeOffset _now = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override DateTimeOffset GetUtcNow() { lock (_timers) return _now; }
    public override long GetTimestamp() { lock (_timers) return _now.Ticks; }

    /// <summary>The delays asked for and not yet over.</summary>
    public TimeSpan[] Waiting { get { lock (_timers) return [.. _timers.Select(t => t.Due - _now)]; } }

    /// <summary>Everything that was ever waited for.</summary>
    public List<TimeSpan> Asked { get; } = [];

    /// <summary>When true, nobody waits: time leaps to the end of every delay.</summary>
    public bool Leaps { get; init; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        List<Timer> due;
        lock (_timers)
        {
            _now += by;
            due = [.. _timers.Where(t => t.Due <= _now)];
            _timers.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Fire();
    }

    sealed class Timer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; }
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._timers)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = clock._now + dueTime;
                clock.Asked.Add(dueTime);
                clock._timers.Add(this);
            }
            if (clock.Leaps) ThreadPool.QueueUserWorkItem(_ => clock.Advance(dueTime));
            return true;
        }

        public void Dispose() { lock (clock._timers) clock._timers.Remove(this); }
        public ValueTask DisposeAsync() { Dispose(); return ValueTask.CompletedTask; }
    }
}
