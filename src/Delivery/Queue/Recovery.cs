using Microsoft.Extensions.Logging;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>Takes recipients back whose owner is gone: by what his journal tells, or else by what was written with their lease.</summary>
sealed class Recovery(MailStore store, string owner, FormerJournal former, RetrySchedule schedule, TimeProvider time, ILogger log)
{
    /// <summary>A recipient whose message may have arrived is not tried sooner than this after the final dot (promise 8).</summary>
    internal static readonly TimeSpan AfterDot = TimeSpan.FromMinutes(5);

    internal const string AnswerUnseen = "this server stopped before it saw the answer to the end of the message, so it may arrive twice";

    const int Batch = 500;

    enum Finding { Taken, Unsure, NotSent, Unknown }

    /// <summary>Takes back all that is abandoned now, but for what <paramref name="works"/> says is worked on here. Returns how many.</summary>
    internal async Task<int> RunAsync(Func<long, bool> works, CancellationToken ct)
    {
        var (total, taken, unsure) = (0, 0, 0);
        while (true)
        {
            var now = time.GetUtcNow();
            var rows = store.Read(u => u.Queue.Abandoned(owner, now, Batch));
            var findings = new List<(AbandonedRecipient Row, Finding Finding, JournalRecord Record)>(rows.Count);
            foreach (var row in rows)
                if (!works(row.Recipient.Id)) findings.Add(Find(row));
            var written = findings.Count == 0 ? 0 : await store.WriteAsync(u => Write(u, findings, now), ct).ConfigureAwait(false);
            total += written;
            foreach (var (_, finding, _) in findings)
                if (finding == Finding.Taken) taken++;
                else if (finding == Finding.Unsure) unsure++;
            // Nothing written: what is left belongs to others, and would only be read again.
            if (rows.Count < Batch || written == 0) break;
        }
        if (total > 0) QueueLog.Recovered(log, total, taken, unsure, total - taken - unsure);
        return total;
    }

    (AbandonedRecipient, Finding, JournalRecord) Find(AbandonedRecipient row)
    {
        if (row.Recipient.Owner != former.Owner) return (row, Finding.Unknown, default);
        if (former.Last.TryGetValue((row.Recipient.Id, row.Recipient.Generation), out var record)) return (row, record.Kind == JournalKind.Taken ? Finding.Taken : Finding.Unsure, record);
        return (row, former.IsWhole ? Finding.NotSent : Finding.Unknown, default);
    }

    int Write(WriteUnit unit, List<(AbandonedRecipient Row, Finding Finding, JournalRecord Record)> findings, DateTimeOffset now)
    {
        var written = 0;
        foreach (var (row, finding, record) in findings)
            if (Write(unit, row, finding, record, now)) written++;
        return written;
    }

    bool Write(WriteUnit unit, AbandonedRecipient row, Finding finding, in JournalRecord record, DateTimeOffset now)
    {
        var recipient = row.Recipient;
        switch (finding)
        {
            case Finding.Taken:
                if (!unit.Queue.Deliver(recipient, record.Text)) return false;
                Tell(unit, row, EventKind.Delivered, AttemptStatus.Delivered, "2.0.0", "taken before the restart: " + record.Text, null);
                return true;
            case Finding.NotSent:
                return unit.Queue.GiveBack(recipient);
            case Finding.Unsure:
                var dot = record.At < now ? record.At : now;
                var due = dot + AfterDot > now ? dot + AfterDot : now;
                if (!unit.Queue.Defer(recipient, due, AnswerUnseen, delayTold: false)) return false;
                Tell(unit, row, EventKind.Deferred, AttemptStatus.Deferred, "4.3.2", AnswerUnseen, due);
                return true;
            default:
                const string gone = "the server that worked on it stopped, and what it had done is not known, so it may arrive twice";
                var again = row.RetryAt < now ? now : row.RetryAt - now > schedule.NearEnough ? now + AfterDot : row.RetryAt;
                if (!unit.Queue.Defer(recipient, again, gone, delayTold: false)) return false;
                Tell(unit, row, EventKind.Deferred, AttemptStatus.Deferred, "4.3.2", gone, again);
                return true;
        }
    }

    static void Tell(WriteUnit unit, AbandonedRecipient row, EventKind kind, AttemptStatus status, string enhanced, string reply, DateTimeOffset? next) =>
        unit.Events.Add(row.Trace, kind, 0, QueueStory.Attempt(new RecipientResult(row.Recipient, status, enhanced, reply, FromPeer: false, null, null), null, next));
}
