using System.Net;
using Microsoft.Extensions.Logging;

namespace Posthorn.Dns;

static partial class DnsLog
{
    [LoggerMessage(8001, LogLevel.Warning, "dns server {Server} keeps silent; others are asked first, if there are any")]
    internal static partial void Silent(ILogger log, IPEndPoint server);

    [LoggerMessage(8002, LogLevel.Information, "dns server {Server} answers again")]
    internal static partial void AnswersAgain(ILogger log, IPEndPoint server);

    [LoggerMessage(8003, LogLevel.Warning, "dns: {File} cannot be read ({Why}); the servers stay {Servers}")]
    internal static partial void Unreadable(ILogger log, string file, string why, string servers);

    [LoggerMessage(8004, LogLevel.Information, "dns servers are {Servers}")]
    internal static partial void Servers(ILogger log, string servers);

    [LoggerMessage(8005, LogLevel.Warning, "dns: {Count} packets that are no answer to {Type} {Name} came in the name of {Server}; it is asked over TCP")]
    internal static partial void Strangers(ILogger log, int count, DnsType type, string name, IPEndPoint server);

    [LoggerMessage(8006, LogLevel.Debug, "dns {Type} {Name}: {Status} after {Milliseconds} ms ({Reason})")]
    internal static partial void Answered(ILogger log, DnsType type, string name, DnsStatus status, long milliseconds, string reason);

    [LoggerMessage(8007, LogLevel.Error, "dns {Type} {Name}: fault")]
    internal static partial void Fault(ILogger log, Exception fault, DnsType type, string name);

    [LoggerMessage(8008, LogLevel.Warning, "dns {Type} {Name}: {Reason}")]
    internal static partial void Bogus(ILogger log, DnsType type, string name, string reason);
}
