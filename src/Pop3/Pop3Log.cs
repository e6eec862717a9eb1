using System.Net;
using Microsoft.Extensions.Logging;

namespace Posthorn.Pop3;

static partial class Pop3Log
{
    [LoggerMessage(3001, LogLevel.Information, "pop3 login {Address} from {Remote} by {Mechanism} ({Credential}), tls {Tls}: {Messages} messages")]
    internal static partial void LoggedIn(ILogger log, string address, EndPoint remote, string mechanism, string credential, bool tls, int messages);

    [LoggerMessage(3002, LogLevel.Information, "pop3 login refused from {Remote} by {Mechanism}: {Outcome}")]
    internal static partial void LoginRefused(ILogger log, EndPoint remote, string mechanism, string outcome);

    [LoggerMessage(3003, LogLevel.Information, "pop3 session of {Address} from {Remote} ended ({Reason}) after {Seconds:F1} s: {Retrieved} retrieved, {Deleted} deleted, {BytesOut} octets out")]
    internal static partial void Ended(ILogger log, string address, EndPoint remote, string reason, double seconds, int retrieved, int deleted, long bytesOut);

    [LoggerMessage(3004, LogLevel.Error, "pop3 {Verb} for account {Account} from {Remote} failed")]
    internal static partial void Fault(ILogger log, Exception exception, string verb, long account, EndPoint remote);

    [LoggerMessage(3005, LogLevel.Error, "pop3 message {MessageId} of account {Account} is damaged and was not sent: {What}")]
    internal static partial void Damaged(ILogger log, long messageId, long account, string what);

    [LoggerMessage(3006, LogLevel.Information, "pop3 TLS handshake with {Remote} failed: {Why}")]
    internal static partial void TlsFailed(ILogger log, EndPoint remote, string why);
}
