using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Inbound;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// The one store unit of a delivery: what became of each recipient, its events, and the notice about it. It may run again, so
/// it changes nothing but the store and its own result.
/// </summary>
sealed class ResultUnit(QueuedMessage message, List<Verdict> verdicts, NoticeFiling? notice, DateTimeOffset now)
{
    /// <summary>Of each verdict: true when somebody else has the recipient now, and nothing was written.</summary>
    internal bool[] Lost { get; } = new bool[verdicts.Count];

    /// <summary>What was done for each destination of the notice.</summary>
    internal Outcome[] NoticeOutcomes { get; private set; } = [];

    /// <summary>Throws <see cref="NoticeOutdatedException"/> when the notice tells of a recipient that was lost.</summary>
    internal bool Run(WriteUnit unit)
    {
        for (var i = 0; i < verdicts.Count; i++)
        {
            Lost[i] = !Write(unit, verdicts[i]);
            if (Lost[i] && notice is not null && verdicts[i].Told(default) is not null) throw new NoticeOutdatedException();
        }
        if (notice is not null) NoticeOutcomes = notice.Run(unit);
        return true;
    }

    bool Write(WriteUnit unit, in Verdict verdict)
    {
        var (result, recipient) = (verdict.Result, verdict.Result.Recipient);
        var done = verdict.Kind switch
        {
            VerdictKind.Delivered => unit.Queue.Deliver(recipient, result.Reply),
            VerdictKind.Deferred => unit.Queue.Defer(recipient, verdict.Next, result.Reply, verdict.Late),
            VerdictKind.Failed => unit.Queue.Fail(recipient, result.Reply),
            VerdictKind.Held => unit.Queue.Hold(recipient, result.Reply),
            _ => unit.Queue.GiveBack(recipient),
        };
        if (!done || verdict.Kind == VerdictKind.GivenBack) return done;
        var kind = verdict.Kind switch
        {
            VerdictKind.Delivered => EventKind.Delivered,
            VerdictKind.Deferred => EventKind.Deferred,
            VerdictKind.Failed => EventKind.Bounced,
            _ => EventKind.Held,
        };
        var detail = kind == EventKind.Held ? Story.Queued(recipient.Original, recipient.Address)
            : QueueStory.Attempt(result, now - message.Received, kind == EventKind.Deferred ? verdict.Next : null);
        unit.Events.Add(message.Trace, kind, 0, detail);
        return true;
    }
}

/// <summary>A notice was made about a recipient that is no longer ours: the unit is undone and made anew without him.</summary>
sealed class NoticeOutdatedException : Exception;
