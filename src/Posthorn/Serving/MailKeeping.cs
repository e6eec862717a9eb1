using Microsoft.Extensions.Logging;
using Posthorn.Storage;
using Posthorn.Transfer.Archives;

namespace Posthorn.Serving;

/// <summary>
/// Looks once a minute for archives whose time has come, and once an hour applies the rules of how long mail is kept, behind
/// the archives, so that what was just archived can go.
/// </summary>
sealed partial class MailKeeping : IAsyncDisposable
{
    static readonly TimeSpan Step = TimeSpan.FromMinutes(1), RetentionEvery = TimeSpan.FromHours(1);

    readonly CancellationTokenSource _stop = new();
    readonly MailStore _store;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Task _running;

    internal MailKeeping(MailStore store, TimeProvider time, ILogger log)
    {
        (_store, _time, _log) = (store, time, log);
        _running = RunAsync();
    }

    async Task RunAsync()
    {
        var last = _time.GetTimestamp();
        try
        {
            while (true)
            {
                await Task.Delay(Step, _time, _stop.Token).ConfigureAwait(false);
                await GuardedAsync(ArchivesAsync).ConfigureAwait(false);
                if (_time.GetElapsedTime(last) < RetentionEvery) continue;
                last = _time.GetTimestamp();
                await GuardedAsync(RetentionAsync).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) { }
    }

    async Task ArchivesAsync()
    {
        foreach (var archive in _store.Read(u => u.Archives.Due(_time.GetUtcNow())))
            try
            {
                var report = await new Archiver(_store, _time).RunAsync(archive, _stop.Token).ConfigureAwait(false);
                LogArchived(archive.Directory, report.Written, report.Octets);
                foreach (var trouble in report.Troubles) LogTrouble(archive.Directory, trouble);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { LogTrouble(archive.Directory, e.Message); }
    }

    async Task RetentionAsync()
    {
        foreach (var rule in _store.Read(u => u.Retentions.All()))
        {
            var report = await new Retention(_store, _time).RunAsync(rule, _stop.Token).ConfigureAwait(false);
            if (report.Removed > 0) LogRemoved(report.Removed, rule.Mailbox, rule.AccountId);
            if (report.Kept > 0) LogKept(report.Kept, rule.Mailbox, rule.AccountId);
        }
    }

    async Task GuardedAsync(Func<Task> work)
    {
        try { await work().ConfigureAwait(false); }
        catch (StoreException e) { LogFailed(e); }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    [LoggerMessage(4501, LogLevel.Information, "archive {Directory}: {Messages} messages written ({Octets} octets)")]
    partial void LogArchived(string directory, long messages, long octets);

    [LoggerMessage(4502, LogLevel.Error, "archive {Directory}: {Trouble}")]
    partial void LogTrouble(string directory, string trouble);

    [LoggerMessage(4503, LogLevel.Information, "retention: {Messages} messages of mailbox {Mailbox} of account {Account} removed")]
    partial void LogRemoved(long messages, string mailbox, long account);

    [LoggerMessage(4504, LogLevel.Warning, "retention: {Messages} messages of mailbox {Mailbox} of account {Account} are old enough, and stay because no archive has them")]
    partial void LogKept(long messages, string mailbox, long account);

    [LoggerMessage(4505, LogLevel.Error, "archives and retention: the store failed, it will be tried again")]
    partial void LogFailed(Exception fault);
}
