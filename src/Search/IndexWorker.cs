using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Posthorn.Search.Segments;
using Posthorn.Storage;

namespace Posthorn.Search;

/// <summary>
/// Puts mail into the index behind the delivery, one batch at a time. It waits a moment, so that messages of one moment become
/// one batch, and while mail comes in it rests three times as long as it worked: the delivery has the machine. Only when too much
/// waits does it not rest, so the lag has a bound.
/// </summary>
sealed class IndexWorker(SearchIndex index, MailStore store, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>How long a message waits for others to come.</summary>
    static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);

    /// <summary>How often it looks for what nobody told it of: mail that another node took, accounts that are gone, a fault that is over.</summary>
    static readonly TimeSpan Round = TimeSpan.FromMinutes(5);

    /// <summary>How long it leaves the disk alone after a fault.</summary>
    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(30);

    /// <summary>How long it waits before it makes a damaged index anew.</summary>
    static readonly TimeSpan AfterDamage = TimeSpan.FromSeconds(1);

    /// <summary>Messages that may wait before it stops to rest.</summary>
    const long MostBehind = 20_000;

    readonly IndexQueue _due = new();
    readonly SemaphoreSlim _wake = new(0);
    readonly CancellationTokenSource _stop = new();
    ITimer? _timer;
    Task? _running;
    long _arrived, _indexed;
    volatile bool _sweep = true;

    internal bool Running => _running is not null;

    internal void Start()
    {
        store.Changes.Arrived += Arrived;
        _timer = time.CreateTimer(_ => Sweep(), null, Round, Round);
        _wake.Release();
        _running = Task.Run(RunAsync);
    }

    /// <summary>Looks at all accounts soon.</summary>
    internal void Sweep()
    {
        _sweep = true;
        Wake();
    }

    void Arrived(long accountId)
    {
        Interlocked.Increment(ref _arrived);
        if (_due.Add(accountId)) Wake();
    }

    void Wake()
    {
        if (_wake.CurrentCount == 0) _wake.Release();
    }

    async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                await Task.Delay(Gather, time, _stop.Token).ConfigureAwait(false);
                try { await DrainAsync().ConfigureAwait(false); }
                catch (StorePoisonedException) { return; } // the process ends
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    SearchLog.Failed(log, e);
                    await Task.Delay(index.IsOpen ? AfterFault : AfterDamage, time, _stop.Token).ConfigureAwait(false);
                    Sweep();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException) { } // the end of the server
    }

    async Task DrainAsync()
    {
        var (began, all) = (time.GetTimestamp(), 0L);
        while (_sweep || !_due.IsEmpty)
        {
            var work = Stopwatch.StartNew();
            var arrived = Interlocked.Read(ref _arrived);
            await index.Working.WaitAsync(_stop.Token).ConfigureAwait(false);
            try
            {
                if (_sweep) Look();
                all += Step();
            }
            finally { index.Working.Release(); }
            var behind = Interlocked.Read(ref _arrived) - _indexed;
            if (Interlocked.Read(ref _arrived) != arrived && behind < MostBehind)
                await Task.Delay(work.Elapsed * 3, time, _stop.Token).ConfigureAwait(false);
        }
        _indexed = Interlocked.Read(ref _arrived);
        if (all > SegmentBuilder.MostMessages) SearchLog.CaughtUp(log, all, time.GetElapsedTime(began).TotalSeconds);
    }

    void Look()
    {
        _sweep = false;
        index.Prepare();
        foreach (var account in index.Behind()) _due.Add(account);
    }

    int Step()
    {
        var done = index.Step(_due, SegmentBuilder.MostMessages, _stop.Token);
        _indexed += done;
        return done;
    }

    public async ValueTask DisposeAsync()
    {
        store.Changes.Arrived -= Arrived;
        if (_timer is not null) await _timer.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_running is not null) await _running.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }
}
