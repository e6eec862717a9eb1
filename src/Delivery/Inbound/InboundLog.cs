using System.Net;
using Microsoft.Extensions.Logging;

namespace Posthorn.Delivery.Inbound;

static partial class InboundLog
{
    [LoggerMessage(7001, LogLevel.Information, "message {Id} accepted: from=<{From}> nrcpt={Recipients} size={Size} client={Client} helo={Helo} tls={Tls} auth={Auth}", EventName = "accepted")]
    internal static partial void Accepted(ILogger logger, string id, string from, int recipients, long size, IPAddress client, string helo, string tls, string auth);

    [LoggerMessage(7002, LogLevel.Information, "message {Id} to=<{To}> filed in {Mailbox} uid={Uid}", EventName = "filed")]
    internal static partial void Filed(ILogger logger, string id, string to, string mailbox, uint uid);

    [LoggerMessage(7003, LogLevel.Information, "message {Id} to=<{To}> {State}", EventName = "queued")]
    internal static partial void Queued(ILogger logger, string id, string to, string state);

    [LoggerMessage(7004, LogLevel.Information, "message {Id} from=<{From}> refused: {Code} {Reason} client={Client} auth={Auth}", EventName = "refused")]
    internal static partial void Refused(ILogger logger, string id, string from, int code, string reason, IPAddress client, string auth);

    [LoggerMessage(7006, LogLevel.Information, "message {Id} notice {Notice} to=<{To}> {State}", EventName = "notice")]
    internal static partial void Notice(ILogger logger, string id, string notice, string to, string state);

    [LoggerMessage(7007, LogLevel.Information, "message {Id} no notice: <{To}> is not a mailbox here", EventName = "no way back")]
    internal static partial void NoWayBack(ILogger logger, string id, string to);

    [LoggerMessage(7005, LogLevel.Error, "message {Id} could not be stored", EventName = "fault")]
    internal static partial void Fault(ILogger logger, Exception error, string id);
}
