using Microsoft.Extensions.Logging;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// Once a minute: holds leases for longer, takes back what others abandoned, reports what is stuck (promise 24), forgets what
/// came to its end long ago.
/// </summary>
sealed class Caretaker(MailStore store, Dispatcher dispatcher, Recovery recovery, RetrySchedule schedule, QueueOptions options, TimeProvider time, ILogger log)
{
    static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>The same trouble is reported once in this time.</summary>
    static readonly TimeSpan WarnEvery = TimeSpan.FromMinutes(10);

    const int ForgetBatch = 500;
    const int MostForgetBatches = 200;
    const int Looked = 100;

    static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(10);

    readonly Dictionary<string, TimeSpan> _warned = [];
    TimeSpan _nextForget;

    internal async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(Interval, time, ct).ConfigureAwait(false);
            try
            {
                await RenewAsync(ct).ConfigureAwait(false);
                if (await recovery.RunAsync(dispatcher.Works, ct).ConfigureAwait(false) > 0) dispatcher.Look();
                dispatcher.Tidy();
                dispatcher.Look(); // the safety net under all signals
                Watch();
                await ForgetAsync(ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not (OperationCanceledException or StorePoisonedException or ObjectDisposedException))
            {
                QueueLog.Fault(log, e);
            }
        }
    }

    async Task RenewAsync(CancellationToken ct)
    {
        var due = dispatcher.LeasesToRenew();
        if (due.Count == 0) return;
        var until = time.GetUtcNow() + Dispatcher.LeaseTime;
        var his = await store.WriteAsync(u => u.Queue.Renew(due, until), ct).ConfigureAwait(false);
        dispatcher.Renewed(due, his, (parcel, recipient) => QueueLog.NotRenewed(log, parcel.Message!.Trace.ToString(), recipient.Address));
    }

    /// <summary>Who waits for twice as long as he should have, and deliveries that do not end.</summary>
    void Watch()
    {
        var now = time.GetUtcNow();
        foreach (var parcel in dispatcher.Longer(2 * Dispatcher.LeaseTime))
            if (MayWarn("delivery " + parcel.MessageId))
                QueueLog.LongDelivery(log, parcel.Message!.Trace.ToString(), parcel.Lane.Key, (long)(dispatcher.Now - parcel.Started).TotalSeconds);
        var start = new QueuePosition(DateTimeOffset.MinValue, 0);
        foreach (var fresh in (ReadOnlySpan<bool>)[true, false])
            foreach (var row in store.Read(u => u.Queue.Waiting(fresh, start, now, Looked)))
            {
                var route = dispatcher.RouteOf(row);
                var late = now - row.Due;
                if (late <= 2 * schedule.Wait(route, Math.Max(1, row.Attempts))) continue;
                var key = Board.KeyOf(route, row.Domain);
                if (MayWarn(key)) QueueLog.Overdue(log, key, row.Due, (long)late.TotalSeconds);
            }
    }

    bool MayWarn(string what)
    {
        var now = dispatcher.Now;
        if (_warned.TryGetValue(what, out var last) && now - last < WarnEvery) return false;
        if (_warned.Count >= 1000) _warned.Clear();
        _warned[what] = now;
        return true;
    }

    async Task ForgetAsync(CancellationToken ct)
    {
        if (dispatcher.Now < _nextForget) return;
        _nextForget = dispatcher.Now + ForgetEvery;
        var before = time.GetUtcNow() - options.KeepFinished;
        var total = 0;
        for (var n = 0; n < MostForgetBatches; n++)
        {
            var gone = await store.WriteAsync(u => u.Queue.Forget(before, ForgetBatch), ct).ConfigureAwait(false);
            total += gone;
            if (gone < ForgetBatch) break;
        }
        if (total > 0) QueueLog.Forgotten(log, total);
    }
}
