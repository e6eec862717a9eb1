using Microsoft.Extensions.Logging;

namespace Posthorn.Delivery.Outbound;

static partial class OutboundLog
{
    [LoggerMessage(7201, LogLevel.Information, "message {Id} relay={Relay} not usable: {Reason}", EventName = "host trouble")]
    internal static partial void HostTrouble(ILogger logger, string id, string relay, string reason);

    [LoggerMessage(7202, LogLevel.Information, "message {Id} relay={Relay} TLS failed, going on in clear: {Reason}", EventName = "in clear")]
    internal static partial void InClear(ILogger logger, string id, string relay, string reason);

    [LoggerMessage(7203, LogLevel.Error, "message {Id} cannot be read from the store: {Reason}", EventName = "damage")]
    internal static partial void Damage(ILogger logger, string id, string reason);

    [LoggerMessage(7204, LogLevel.Error, "message {Id} delivery to {Destination} failed by a fault of this program", EventName = "fault")]
    internal static partial void Fault(ILogger logger, Exception error, string id, string destination);

    [LoggerMessage(7205, LogLevel.Warning, "route {Route}: no login: {Reason}", EventName = "no secret")]
    internal static partial void NoSecret(ILogger logger, string route, string reason);

    [LoggerMessage(7206, LogLevel.Information, "message {Id} relay={Relay} broke off after the end of the text: it may have been taken", EventName = "may have been taken")]
    internal static partial void MayHaveTaken(ILogger logger, string id, string relay);

    [LoggerMessage(7207, LogLevel.Error, "message {Id} to {Path}: {Reason}", EventName = "file trouble")]
    internal static partial void FileTrouble(ILogger logger, string id, string path, string reason);
}
