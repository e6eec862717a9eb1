using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

enum VerdictKind { Delivered, Deferred, Failed, Held, GivenBack }

/// <summary>What is done with one recipient after an attempt.</summary>
/// <param name="Next">Of a deferred one.</param>
/// <param name="Late">Its sender is told now that it is late.</param>
/// <param name="Expired">It failed for its age.</param>
readonly record struct Verdict(RecipientResult Result, VerdictKind Kind, DateTimeOffset Next, bool Late, bool Expired)
{
    internal static Verdict Of(RecipientResult result, QueuedMessage message, Route route, RetrySchedule schedule, DateTimeOffset now)
    {
        var recipient = result.Recipient;
        if (result.Status == AttemptStatus.Delivered) return new Verdict(result, VerdictKind.Delivered, default, false, false);
        if (result.Status == AttemptStatus.Failed) return new Verdict(result, VerdictKind.Failed, default, false, false);
        if (schedule.IsExpired(message, route, recipient.Attempts, now)) return new Verdict(result, VerdictKind.Failed, default, false, true);
        var late = schedule.IsLate(message, route, recipient, now);
        return new Verdict(result, VerdictKind.Deferred, schedule.Next(message, route, recipient.Attempts, late || recipient.DelayTold is not null, result.NotBefore, now), late, false);
    }

    /// <summary>What there is to tell the sender; null for nothing.</summary>
    internal ToldRecipient? Told(DateTimeOffset tryUntil) => Kind switch
    {
        VerdictKind.Delivered when !Result.DsnPassed && Notify.AsksForSuccess(Result.Recipient.Notify) => new ToldRecipient(Result, NoticeReason.Delivered, tryUntil, false),
        VerdictKind.Failed => new ToldRecipient(Result, NoticeReason.Failed, tryUntil, Expired),
        VerdictKind.Deferred when Late => new ToldRecipient(Result, NoticeReason.Delayed, tryUntil, false),
        _ => null,
    };
}
