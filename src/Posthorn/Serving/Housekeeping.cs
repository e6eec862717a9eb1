using Microsoft.Extensions.Logging;
using Posthorn.Storage;

namespace Posthorn.Serving;

/// <summary>
/// What the server does for itself while it runs: once an hour the space of deleted mail is given back, and
/// what ties threads to messages that are gone is forgotten. A round that fails
/// is logged and tried again at the next; a poisoned store ends the process by itself.
/// </summary>
sealed partial class Housekeeping : IAsyncDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Links forgotten in one unit of the store.</summary>
    const int Links = 500;

    readonly CancellationTokenSource _stop = new();
    readonly MailStore _store;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Task _running;

    internal Housekeeping(MailStore store, TimeProvider time, ILogger log)
    {
        (_store, _time, _log) = (store, time, log);
        _running = RunAsync();
    }

    async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Interval, _time, _stop.Token).ConfigureAwait(false);
                await CollectAsync().ConfigureAwait(false);
                await ForgetLinksAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) { }
    }

    async Task CollectAsync()
    {
        try
        {
            var report = await _store.CollectGarbageAsync(_stop.Token).ConfigureAwait(false);
            if (report.Freed > 0) LogCollected(report.Freed, report.PacksRemoved, report.BodiesMoved, report.FilesRemoved);
            foreach (var damaged in report.Damaged) LogDamaged(damaged);
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            LogFailed(e);
        }
    }

    async Task ForgetLinksAsync()
    {
        try
        {
            while (_store.Read(static unit => unit.Threads.Loose(Links)) is { Count: > 0 } loose)
            {
                await _store.WriteAsync(unit => { unit.Threads.Forget(loose); return true; }, _stop.Token).ConfigureAwait(false);
                if (loose.Count < Links) return;
            }
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            LogFailed(e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    [LoggerMessage(4201, LogLevel.Information, "gave {Octets} octets of deleted mail back: {Packs} packs removed, {Bodies} bodies moved, {Files} files removed")]
    partial void LogCollected(long octets, int packs, int bodies, int files);

    [LoggerMessage(4202, LogLevel.Error, "found damaged while giving space back: {What}")]
    partial void LogDamaged(string what);

    [LoggerMessage(4203, LogLevel.Warning, "space could not be given back, it will be tried again")]
    partial void LogFailed(Exception fault);
}
