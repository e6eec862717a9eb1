using System.Net;
using Microsoft.Extensions.Logging;

namespace Posthorn.Imap;

static partial class ImapLog
{
    [LoggerMessage(9001, LogLevel.Information, "imap login {Address} from {Remote} by {Mechanism} ({Credential}), tls {Tls}")]
    internal static partial void LoggedIn(ILogger log, string address, EndPoint remote, string mechanism, string credential, bool tls);

    [LoggerMessage(9002, LogLevel.Information, "imap login refused from {Remote} by {Mechanism}: {Outcome}")]
    internal static partial void LoginRefused(ILogger log, EndPoint remote, string mechanism, string outcome);

    [LoggerMessage(9003, LogLevel.Information, "imap session of {Address} from {Remote} ended ({Reason}) after {Seconds:F1} s: {Commands} commands, {BytesIn} octets in, {BytesOut} octets out")]
    internal static partial void Ended(ILogger log, string address, EndPoint remote, string reason, double seconds, int commands, long bytesIn, long bytesOut);

    [LoggerMessage(9004, LogLevel.Error, "imap {Verb} for account {Account} from {Remote} failed")]
    internal static partial void Fault(ILogger log, Exception exception, string verb, long account, EndPoint remote);

    [LoggerMessage(9005, LogLevel.Error, "imap message {MessageId} of account {Account} is damaged and was not sent: {What}")]
    internal static partial void Damaged(ILogger log, long messageId, long account, string what);

    [LoggerMessage(9006, LogLevel.Information, "imap TLS handshake with {Remote} failed: {Why}")]
    internal static partial void TlsFailed(ILogger log, EndPoint remote, string why);

    [LoggerMessage(9007, LogLevel.Debug, "imap client at {Remote} says of itself: {Client}")]
    internal static partial void Client(ILogger log, EndPoint remote, string client);

    [LoggerMessage(9008, LogLevel.Warning, "imap could not note recent messages of mailbox {Mailbox}")]
    internal static partial void RecentNotKept(ILogger log, Exception exception, long mailbox);
}
