using Posthorn.Delivery.Outbound;
using Posthorn.Storage;

namespace Posthorn.Delivery.Queue;

/// <summary>One delivery from its place to its result on disk. Thread-safe.</summary>
sealed class Runner(Attempts attempts, ResultWriter results, DeliveryJournal journal) : IDisposable
{
    readonly CancellationTokenSource _cut = new();

    /// <summary>True once deliveries are cut: what was cut says nothing about the destination.</summary>
    internal bool IsCut => _cut.IsCancellationRequested;

    internal void Begin(Dispatcher owner, Parcel parcel) =>
        ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Self.RunAsync(work.Owner, work.Parcel), (Self: this, Owner: owner, Parcel: parcel), preferLocal: false);

    async Task RunAsync(Dispatcher owner, Parcel parcel)
    {
        try
        {
            var report = parcel.Unsent is null ? await attempts.DeliverAsync(parcel, _cut.Token).ConfigureAwait(false) : null;
            // The place is free before the result is on disk: the next one need not wait for a commit.
            if (parcel.Unsent is null)
            {
                owner.Delivered(parcel, IsCut ? null : report);
                owner.Pump();
            }
            var verdicts = report is null ? attempts.NotMade(parcel) : attempts.Judge(parcel, report, IsCut);
            var noticeQueued = await results.WriteAsync(parcel.Message!, parcel.Route, verdicts, CancellationToken.None).ConfigureAwait(false);
            journal.Forget(parcel.Leased);
            owner.NextDue(verdicts);
            if (noticeQueued) owner.Look();
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException or OperationCanceledException)
        {
            // The store is gone, and the process goes with it: the leases and the journal tell the next one.
        }
        finally
        {
            owner.Ended(parcel);
            if (parcel.Unsent is not null) owner.Pump();
        }
    }

    /// <summary>What has not sent its final dot ends.</summary>
    internal Task CutAsync() => _cut.CancelAsync();

    public void Dispose() => _cut.Dispose();
}
