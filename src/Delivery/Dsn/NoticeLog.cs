using Microsoft.Extensions.Logging;

namespace Posthorn.Delivery.Dsn;

static partial class NoticeLog
{
    [LoggerMessage(7401, LogLevel.Information, "message {Id} notice {Notice} to=<{To}> of {Recipients} recipients", EventName = "notice made")]
    internal static partial void Made(ILogger logger, string id, string notice, string to, int recipients);

    [LoggerMessage(7402, LogLevel.Information, "message {Id} no notice: <{To}> is not a mailbox here", EventName = "no way back")]
    internal static partial void NoWayBack(ILogger logger, string id, string to);

    [LoggerMessage(7403, LogLevel.Warning, "message {Id} has no sender and could not be delivered, and there is no postmaster to tell", EventName = "no postmaster")]
    internal static partial void NoPostmaster(ILogger logger, string id);

    [LoggerMessage(7404, LogLevel.Error, "message {Id} cannot be read, its notice goes without it: {Reason}", EventName = "unreadable")]
    internal static partial void Unreadable(ILogger logger, string id, string reason);
}
