using Microsoft.Extensions.Logging;

namespace Posthorn.Delivery.Queue;

static partial class QueueLog
{
    [LoggerMessage(7101, LogLevel.Information, "message {Id} to=<{To}> relay={Relay} delay={Delay} dsn={Dsn} status={Status} ({Reply})", EventName = "delivery")]
    internal static partial void Delivery(ILogger logger, string id, string to, string relay, string delay, string dsn, string status, string reply);

    [LoggerMessage(7102, LogLevel.Warning, "message {Id} to=<{To}>: the result of an attempt is not written, the lease was lost to somebody else ({Status} {Reply})", EventName = "lease lost")]
    internal static partial void LeaseLost(ILogger logger, string id, string to, string status, string reply);

    [LoggerMessage(7103, LogLevel.Information, "message {Id} notice {Notice} to=<{To}> {State}", EventName = "notice")]
    internal static partial void Notice(ILogger logger, string id, string notice, string to, string state);

    [LoggerMessage(7104, LogLevel.Error, "message {Id}: a delivery ended with a fault, it is tried again", EventName = "delivery fault")]
    internal static partial void DeliveryFault(ILogger logger, Exception fault, string id);

    [LoggerMessage(7105, LogLevel.Error, "message {Id}: results could not be written, they are tried again", EventName = "result fault")]
    internal static partial void ResultFault(ILogger logger, Exception fault, string id);

    [LoggerMessage(7106, LogLevel.Error, "the queue met a fault and goes on", EventName = "queue fault")]
    internal static partial void Fault(ILogger logger, Exception fault);

    [LoggerMessage(7107, LogLevel.Warning, "destination {Destination} gets no connection for {Seconds} s: {Trouble}", EventName = "destination down")]
    internal static partial void Down(ILogger logger, string destination, long seconds, string trouble);

    [LoggerMessage(7108, LogLevel.Warning, "recipients for {Destination} are overdue: the oldest waits since {Due:O}, for {Seconds} s", EventName = "overdue")]
    internal static partial void Overdue(ILogger logger, string destination, DateTimeOffset due, long seconds);

    [LoggerMessage(7109, LogLevel.Warning, "message {Id}: a delivery to {Destination} goes on for {Seconds} s", EventName = "long delivery")]
    internal static partial void LongDelivery(ILogger logger, string id, string destination, long seconds);

    [LoggerMessage(7110, LogLevel.Warning, "{Count} recipients were leased by somebody who is gone: {Delivered} had been delivered, {Unsure} may have been, {Again} are tried again", EventName = "recovered")]
    internal static partial void Recovered(ILogger logger, int count, int delivered, int unsure, int again);

    [LoggerMessage(7111, LogLevel.Warning, "the journal of deliveries cannot be written: a process that is killed now may send messages twice", EventName = "journal fault")]
    internal static partial void JournalFault(ILogger logger, Exception fault);

    [LoggerMessage(7112, LogLevel.Information, "forgot {Count} queued messages that had come to their end", EventName = "forgotten")]
    internal static partial void Forgotten(ILogger logger, int count);

    [LoggerMessage(7113, LogLevel.Error, "queued message {Message} cannot be read: its recipients are put on hold", EventName = "message unreadable")]
    internal static partial void Unreadable(ILogger logger, long message);

    [LoggerMessage(7114, LogLevel.Warning, "message {Id} to=<{To}>: the lease was lost while it was being delivered", EventName = "lease not renewed")]
    internal static partial void NotRenewed(ILogger logger, string id, string to);

    [LoggerMessage(7115, LogLevel.Information, "outbound queue: {Messages} messages with {Recipients} recipients wait", EventName = "queue opened")]
    internal static partial void Opened(ILogger logger, long messages, long recipients);
}
