using System.Globalization;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Inbound;
using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>Makes the notice about recipients of one message; null when nobody is to be told.</summary>
delegate ValueTask<NoticeFiling?> NoticeMaking(QueuedMessage message, IReadOnlyList<ToldRecipient> recipients, CancellationToken ct);

/// <summary>Writes what became of recipients, tells their senders in the same unit, and logs it. Thread-safe.</summary>
sealed class ResultWriter(MailStore store, NoticeMaking notices, RetrySchedule schedule, TimeProvider time, ILogger log)
{
    static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Writes the verdicts, as often as it takes: what was delivered must not be forgotten because the disk is full for a
    /// while. Throws only when the store is poisoned or closed, or when <paramref name="ct"/> ends it. True when a notice was
    /// queued.
    /// </summary>
    internal async Task<bool> WriteAsync(QueuedMessage message, Route route, List<Verdict> verdicts, CancellationToken ct)
    {
        for (var said = false; ; said = true)
        {
            try
            {
                return await TryWriteAsync(message, route, verdicts, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not (OperationCanceledException or StorePoisonedException or ObjectDisposedException))
            {
                if (!said) QueueLog.ResultFault(log, e, message.Trace.ToString());
                await Task.Delay(Again, time, ct).ConfigureAwait(false);
            }
        }
    }

    async ValueTask<bool> TryWriteAsync(QueuedMessage message, Route route, List<Verdict> verdicts, CancellationToken ct)
    {
        while (true)
        {
            await using var notice = await NoticeAsync(message, route, verdicts, ct).ConfigureAwait(false);
            var unit = new ResultUnit(message, verdicts, notice, time.GetUtcNow());
            try
            {
                // Not with the token: what a peer has taken is written down even in the last moment.
                await store.WriteAsync(unit.Run, CancellationToken.None).ConfigureAwait(false);
            }
            catch (NoticeOutdatedException)
            {
                for (var i = verdicts.Count - 1; i >= 0; i--)
                    if (unit.Lost[i]) Drop(message, verdicts, i);
                continue;
            }
            Log(message, verdicts, unit, notice);
            return notice is not null && Array.Exists(unit.NoticeOutcomes, static o => o.Kind == OutcomeKind.Queued);
        }
    }

    async ValueTask<NoticeFiling?> NoticeAsync(QueuedMessage message, Route route, List<Verdict> verdicts, CancellationToken ct)
    {
        List<ToldRecipient>? told = null;
        var until = schedule.TryUntil(message, route);
        foreach (var verdict in verdicts)
            if (verdict.Told(until) is { } one) (told ??= []).Add(one);
        return told is null ? null : await notices(message, told, ct).ConfigureAwait(false);
    }

    void Drop(QueuedMessage message, List<Verdict> verdicts, int index)
    {
        LogLost(message, verdicts[index]);
        verdicts.RemoveAt(index);
    }

    void LogLost(QueuedMessage message, in Verdict verdict) =>
        QueueLog.LeaseLost(log, message.Trace.ToString(), verdict.Result.Recipient.Address, verdict.Kind.ToString(), verdict.Result.Reply);

    void Log(QueuedMessage message, List<Verdict> verdicts, ResultUnit unit, NoticeFiling? notice)
    {
        for (var i = 0; i < verdicts.Count; i++)
            if (unit.Lost[i] && verdicts[i].Kind != VerdictKind.GivenBack) LogLost(message, verdicts[i]);
        if (!log.IsEnabled(LogLevel.Information)) return;
        var id = message.Trace.ToString();
        var delay = (time.GetUtcNow() - message.Received).TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture);
        for (var i = 0; i < verdicts.Count; i++)
        {
            var (verdict, result) = (verdicts[i], verdicts[i].Result);
            if (unit.Lost[i] || verdict.Kind == VerdictKind.GivenBack) continue;
            QueueLog.Delivery(log, id, result.Recipient.Address, result.Relay ?? "none", delay, result.Enhanced, verdict.Kind switch
            {
                VerdictKind.Delivered => "sent",
                VerdictKind.Deferred => "deferred",
                VerdictKind.Held => "held",
                _ => "bounced",
            }, result.Reply);
        }
        foreach (var outcome in unit.NoticeOutcomes)
            QueueLog.Notice(log, id, notice!.Trace.ToString(), message.ReversePath, outcome.Kind switch
            {
                OutcomeKind.Filed => "filed",
                OutcomeKind.Queued => "queued",
                _ => "not delivered, the mailbox is full",
            });
    }
}
