namespace Posthorn.Delivery.Queue;

/// <summary>Wakes the one who waits: when somebody says so, or when a time has passed. What is said while nobody waits is kept.</summary>
sealed class Signal : IDisposable
{
    /// <summary>Nobody sleeps longer, whatever the clock was when he was told how long.</summary>
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    readonly ITimer _timer;
    TaskCompletionSource? _waiter;
    bool _set;

    internal Signal(TimeProvider time) => _timer = time.CreateTimer(static s => ((Signal)s!).Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>True while somebody waits and was not woken.</summary>
    internal bool IsWaiting
    {
        get { lock (_lock) return _waiter is not null; }
    }

    internal void Set()
    {
        lock (_lock)
        {
            if (_waiter is null)
            {
                _set = true;
                return;
            }
            _waiter.TrySetResult();
            _waiter = null;
        }
    }

    internal Task WaitAsync(TimeSpan? within)
    {
        lock (_lock)
        {
            if (_set || within <= TimeSpan.Zero)
            {
                _set = false;
                return Task.CompletedTask;
            }
            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _timer.Change(within is { } span && span < Longest ? span : Longest, Timeout.InfiniteTimeSpan);
            return _waiter.Task;
        }
    }

    public void Dispose() => _timer.Dispose();
}
