using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>What a queue consists of while it runs.</summary>
sealed class RunningQueue : IDisposable
{
    /// <summary>After the cut: for those whose dot is sent, and for the commits.</summary>
    static readonly TimeSpan AfterCut = TimeSpan.FromSeconds(5);

    readonly CancellationTokenSource _stop = new();
    readonly MailStore _store;
    readonly DeliveryJournal _journal;
    readonly Signal _signal;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Task _loop;
    readonly Task _care;

    internal RunningQueue(string owner, MailStore store, Func<RouteBook> routes, IDeliveryAgent agent, NoticeMaking notices, QueueOptions options, RetrySchedule schedule, DeliveryJournal journal, Recovery recovery, TimeProvider time, ILogger log)
    {
        (_store, _journal, _time, _log, Schedule) = (store, journal, time, log, schedule);
        _signal = new Signal(time);
        Results = new ResultWriter(store, notices, schedule, time, log);
        Dispatcher = new Dispatcher(owner, options, routes, new Runner(new Attempts(agent, journal, schedule, time, log), Results, journal), _signal, time, log);
        var loop = new QueueLoop(store, Dispatcher, new TakeUp(store, Dispatcher, schedule, time), _signal, time, log);
        _loop = Task.Run(() => loop.RunAsync(_stop.Token));
        _care = CareAsync(new Caretaker(store, Dispatcher, recovery, schedule, options, time, log));
    }

    internal Dispatcher Dispatcher { get; }
    internal ResultWriter Results { get; }
    internal RetrySchedule Schedule { get; }

    /// <summary>True while the loop sleeps.</summary>
    internal bool Sleeps => _signal.IsWaiting;

    async Task CareAsync(Caretaker caretaker)
    {
        try
        {
            await caretaker.RunAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or StorePoisonedException or ObjectDisposedException)
        {
            // It ends with the queue.
        }
    }

    internal async Task DrainAsync(TimeSpan most)
    {
        var notBegun = Dispatcher.Stop();
        await _stop.CancelAsync().ConfigureAwait(false);
        _signal.Set();
        await _loop.ConfigureAwait(false);
        Dispatcher.NotClaimed(Dispatcher.TakeToClaim());
        var emptied = Dispatcher.Emptied();
        await GiveBackAsync(notBegun).ConfigureAwait(false);
        if (!await WithinAsync(emptied, most).ConfigureAwait(false))
        {
            await Dispatcher.CutAsync().ConfigureAwait(false);
            await WithinAsync(emptied, AfterCut).ConfigureAwait(false);
        }
        await _care.ConfigureAwait(false);
    }

    /// <summary>False when the time has passed before the task ended.</summary>
    async ValueTask<bool> WithinAsync(Task task, TimeSpan time)
    {
        if (task.IsCompleted) return true;
        if (time <= TimeSpan.Zero) return false;
        using var enough = new CancellationTokenSource();
        var first = await Task.WhenAny(task, Task.Delay(time, _time, enough.Token)).ConfigureAwait(false);
        await enough.CancelAsync().ConfigureAwait(false);
        return first == task;
    }

    /// <summary>Claims that led to no attempt.</summary>
    internal async Task GiveBackAsync(IReadOnlyList<LeasedRecipient> leases)
    {
        if (leases.Count == 0) return;
        try
        {
            await _store.WriteAsync(u =>
            {
                foreach (var r in leases) u.Queue.GiveBack(r);
                return true;
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // The journal says that nothing was sent: the next process gives them back.
            QueueLog.Fault(_log, e);
        }
    }

    public void Dispose()
    {
        _signal.Dispose();
        _journal.Dispose();
        Dispatcher.Dispose();
        _stop.Dispose();
    }
}
