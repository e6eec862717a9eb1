using System.Globalization;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Outbound;

namespace Posthorn.Delivery.Queue;

/// <summary>The details of the events that the queue writes (docs/events.md).</summary>
static class QueueStory
{
    /// <summary>An attempt, whatever came of it.</summary>
    /// <param name="next">Of a deferred one: when it is tried again.</param>
    internal static string Attempt(RecipientResult result, TimeSpan? delay, DateTimeOffset? next)
    {
        var d = new StoryDetail();
        d.Add("to", result.Recipient.Address);
        d.Add("relay", result.Relay);
        d.Add("tls", result.Tls);
        d.Add("status", result.Enhanced);
        d.Add("reply", result.Reply);
        if (delay is { } waited) d.Add("delay", (long)Math.Max(0, waited.TotalSeconds));
        d.Add("next", next?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        d.Add("attempts", result.Recipient.Attempts);
        return d.End();
    }
}
