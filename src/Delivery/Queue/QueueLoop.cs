using Microsoft.Extensions.Logging;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>The one loop of the queue: claims those that have a place, takes up others, and sleeps until there is something to do.</summary>
sealed class QueueLoop(MailStore store, Dispatcher dispatcher, TakeUp takeUp, Signal signal, TimeProvider time, ILogger log)
{
    /// <summary>Recipients of one unit: the store's writer is not held for long.</summary>
    const int ClaimsOfUnit = 500;

    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    internal async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ClaimAsync().ConfigureAwait(false);
                var more = takeUp.Step();
                dispatcher.Pump();
                if (!more) await signal.WaitAsync(dispatcher.Idle()).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StorePoisonedException or ObjectDisposedException)
            {
                return; // the process ends
            }
            catch (Exception e)
            {
                QueueLog.Fault(log, e);
                try
                {
                    await Task.Delay(AfterFault, time, stop).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    /// <summary>The attempts of all that have a place are recorded in one commit, or a few, before anybody is dialled.</summary>
    async ValueTask ClaimAsync()
    {
        var waiting = dispatcher.TakeToClaim();
        for (var from = 0; from < waiting.Count;)
        {
            var ids = new List<long>();
            var to = from;
            while (to < waiting.Count && (ids.Count == 0 || ids.Count + waiting[to].Waiting.Count <= ClaimsOfUnit))
                foreach (var row in waiting[to++].Waiting) ids.Add(row.Id);
            var batch = waiting.GetRange(from, to - from);
            try
            {
                await ClaimAsync(batch, ids).ConfigureAwait(false);
            }
            catch (StoreException)
            {
                dispatcher.NotClaimed(waiting[from..]);
                throw;
            }
            from = to;
        }
    }

    async ValueTask ClaimAsync(List<Parcel> batch, List<long> ids)
    {
        var lease = dispatcher.NewLease();
        var leased = await store.WriteAsync(u => u.Queue.Claim(ids, lease), CancellationToken.None).ConfigureAwait(false);
        var messages = new Dictionary<long, QueuedMessage>();
        var unreadable = new List<LeasedRecipient>();
        store.Read(u =>
        {
            foreach (var r in leased)
            {
                if (messages.ContainsKey(r.MessageId)) continue;
                if (u.Queue.Message(r.MessageId) is { } message) messages.Add(r.MessageId, message);
                else unreadable.Add(r);
            }
            return true;
        });
        foreach (var r in unreadable) QueueLog.Unreadable(log, r.MessageId);
        var back = dispatcher.Claimed(batch, leased, messages);
        if (back.Count == 0) return;
        await store.WriteAsync(u =>
        {
            // A message that cannot be read would come back for ever: somebody has to look at it.
            foreach (var r in back)
                if (messages.ContainsKey(r.MessageId)) u.Queue.GiveBack(r);
                else u.Queue.Hold(r, "the queued message cannot be read");
            return true;
        }, CancellationToken.None).ConfigureAwait(false);
        dispatcher.Look();
    }
}
