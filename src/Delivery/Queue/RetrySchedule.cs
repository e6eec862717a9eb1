using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>When a recipient is tried again, when its sender is told that it is late, and when it is given up.</summary>
/// <param name="random">Numbers from 0 up to 1: a wait is made up to a tenth shorter, so that what failed together does not come back together.</param>
sealed class RetrySchedule(QueueOptions options, Func<double> random)
{
    /// <summary>A message is neither called late nor given up before it was tried so often, however long the clock says it is here (promise 10).</summary>
    const int FewestAttempts = 2;

    static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>How far from now a due time can lie at most; one that lies further was written by a clock that was wrong.</summary>
    static readonly TimeSpan Slack = TimeSpan.FromHours(1);

    /// <summary>The wait after so many attempts, without chance.</summary>
    internal TimeSpan Wait(Route route, int attempts)
    {
        var first = First(route);
        var most = route.Settings.RetryMost ?? options.RetryMost;
        var ticks = first.Ticks * Math.Pow(Math.Max(1, options.RetryGrowth), Math.Clamp(attempts - 1, 0, 1000));
        var wait = ticks < most.Ticks ? TimeSpan.FromTicks((long)ticks) : most;
        return wait < ShortestWait ? ShortestWait : wait;
    }

    /// <summary>From the first attempt to the second.</summary>
    internal TimeSpan First(Route route) => route.Settings.RetryFirst ?? options.RetryFirst;

    internal bool IsTooFar(DateTimeOffset due, Route route, DateTimeOffset now) => due - now > (route.Settings.RetryMost ?? options.RetryMost) + Slack;

    /// <summary>Nothing that lies nearer than this is too far.</summary>
    internal TimeSpan NearEnough => options.RetryMost + Slack;

    /// <summary>When the message is given up.</summary>
    internal DateTimeOffset TryUntil(QueuedMessage message, Route route) => message.Received + (message.ReversePath.Length == 0
        ? route.Settings.GiveUpBounces ?? options.GiveUpBounces
        : route.Settings.GiveUp ?? options.GiveUp);

    internal bool IsExpired(QueuedMessage message, Route route, int attempts, DateTimeOffset now) =>
        attempts >= FewestAttempts && now >= TryUntil(message, route);

    /// <summary>True when the sender is to be told now that it is late.</summary>
    internal bool IsLate(QueuedMessage message, Route route, LeasedRecipient recipient, DateTimeOffset now) =>
        recipient.DelayTold is null && recipient.Attempts >= FewestAttempts && now >= TellAt(message, route);

    DateTimeOffset TellAt(QueuedMessage message, Route route) => message.Received + (route.Settings.DelayNotice ?? options.DelayNotice);

    /// <summary>
    /// When the next attempt is. The wait ends early at the two times at which the sender is told something, so that what he
    /// is told is fresh and comes when it was promised.
    /// </summary>
    /// <param name="told">True when he is, or was, told that it is late.</param>
    internal DateTimeOffset Next(QueuedMessage message, Route route, int attempts, bool told, TimeSpan? notBefore, DateTimeOffset now)
    {
        var wait = Wait(route, attempts);
        var first = First(route);
        var shorter = wait * (1 - 0.1 * random());
        if (shorter < first && wait >= first) shorter = first;
        var due = now + shorter;
        if (!told && TellAt(message, route) is var tell && tell > now && tell < due) due = tell;
        if (TryUntil(message, route) is var end && end > now && end < due) due = end;
        return notBefore is { } least && now + least > due ? now + least : due;
    }
}
