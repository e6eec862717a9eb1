using Microsoft.Extensions.Logging;
using Posthorn.Mime.Threads;
using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Serving;

/// <summary>
/// Gives the mail that came before there were threads its threads, once, in the background and a little at a time: new mail
/// comes first. It goes on where it was when the server starts again.
/// </summary>
sealed partial class ThreadKeeping : IAsyncDisposable
{
    /// <summary>Messages of one unit of the store.</summary>
    const int Batch = 50;

    /// <summary>Octets of a message in which References is looked for.</summary>
    const int Head = 64 << 10;

    static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);

    readonly CancellationTokenSource _stop = new();
    readonly MailStore _store;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Task _running;

    internal ThreadKeeping(MailStore store, TimeProvider time, ILogger log)
    {
        (_store, _time, _log) = (store, time, log);
        _running = Task.Run(RunAsync);
    }

    async Task RunAsync()
    {
        try
        {
            foreach (var (account, from) in _store.Read(static unit => unit.Threads.Unfinished()))
            {
                var next = from;
                while (next >= 0)
                {
                    next = await StepAsync(account, next).ConfigureAwait(false);
                    await Task.Delay(Rest, _time, _stop.Token).ConfigureAwait(false);
                }
                LogDone(account);
            }
        }
        catch (OperationCanceledException) { }
        catch (Exception e) when (e is StoreException or IOException)
        {
            LogFailed(e);
        }
    }

    /// <summary>Does some messages from an id on; returns where to go on, -1 at the end.</summary>
    async Task<long> StepAsync(long account, long from)
    {
        var (_, below) = _store.Read(unit => unit.Threads.Unknown(account));
        if (below == 0) return -1; // done elsewhere, or the account is gone
        var rows = _store.Read(unit => unit.Arrivals.After(account, from - 1, Batch));
        var old = rows.Where(r => r.MessageId < below).Select(r => (r.MessageId, Links: Links(r))).ToList();
        var next = old.Count < Batch ? below : old[^1].MessageId + 1;
        await _store.WriteAsync(unit =>
        {
            // Elsewhere somebody may have been faster, and no thread is given twice.
            if (unit.Threads.Unknown(account).From > from) return false;
            foreach (var (id, links) in old) unit.Threads.Thread(account, id, links);
            unit.Threads.SetUnknown(account, next);
            return true;
        }, _stop.Token).ConfigureAwait(false);
        return next < below ? next : -1;
    }

    /// <summary>None for a message that cannot be read: it stands alone.</summary>
    long[] Links(StoredMessage message)
    {
        var octets = new byte[Math.Min(Head, message.Blob.Length)];
        try
        {
            using var body = _store.OpenBlob(message.Blob);
            using var stream = body.AsStream();
            return ThreadLinks.Of(message.Structure, octets.AsSpan(0, stream.ReadAtLeast(octets, octets.Length, throwOnEndOfStream: false)));
        }
        catch (Exception e) when (e is StoreDamageException or IOException)
        {
            LogUnreadable(message.MessageId, e.Message);
            return [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    [LoggerMessage(4211, LogLevel.Information, "the mail that account {Account} had before has its threads now")]
    partial void LogDone(long account);

    [LoggerMessage(4212, LogLevel.Warning, "threads of mail from before could not be made, it will be tried again at the next start")]
    partial void LogFailed(Exception fault);

    [LoggerMessage(4213, LogLevel.Error, "message {Message} cannot be read, it stands alone: {Reason}")]
    partial void LogUnreadable(long message, string reason);
}
