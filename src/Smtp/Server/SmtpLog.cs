using System.Net;
using Microsoft.Extensions.Logging;
using Posthorn.Smtp.Server.Commands;

namespace Posthorn.Smtp.Server;

/// <summary>The log events of SMTP sessions. What a client said is escaped before it gets here.</summary>
static partial class SmtpLog
{
    [LoggerMessage(2001, LogLevel.Debug, "{Session} connect from {Address} service {Service}")]
    internal static partial void Connected(ILogger logger, string session, IPAddress address, SmtpService service);

    [LoggerMessage(2002, LogLevel.Information,
        "{Session} disconnect from {Address} helo={Helo} tls={Tls} user={User} messages={Messages} refused={Refused} commands={Commands} reason={Reason}")]
    internal static partial void Disconnected(ILogger logger, string session, IPAddress address, string helo, string? tls, string? user,
        int messages, int refused, int commands, string reason);

    // The shape that fail2ban and its kin look for.
    [LoggerMessage(2003, LogLevel.Information, "{Session} [{Address}]: SASL {Mechanism} authentication failed")]
    internal static partial void LoginFailed(ILogger logger, string session, IPAddress address, string mechanism);

    [LoggerMessage(2004, LogLevel.Information, "{Session} [{Address}]: SASL {Mechanism} authentication of {User}")]
    internal static partial void LoggedIn(ILogger logger, string session, IPAddress address, string mechanism, string user);

    [LoggerMessage(2005, LogLevel.Information, "{Session} [{Address}]: TLS handshake failed: {Why}")]
    internal static partial void TlsFailed(ILogger logger, string session, IPAddress address, string why);

    [LoggerMessage(2006, LogLevel.Information, "{Session} [{Address}]: abuse: {What}")]
    internal static partial void Abuse(ILogger logger, string session, IPAddress address, string what);

    [LoggerMessage(2007, LogLevel.Error, "{Session} [{Address}]: fault in {Verb}")]
    internal static partial void Fault(ILogger logger, Exception e, string session, IPAddress address, string verb);

    [LoggerMessage(2008, LogLevel.Debug, "{Session} {Line}")]
    internal static partial void Line(ILogger logger, string session, string line);

    /// <summary>
    /// A command for the log. What is no command may be a secret: a client that did not understand our answer to AUTH goes on
    /// with its name and password.
    /// </summary>
    internal static string Loggable(SmtpCommand? command, ReadOnlySpan<byte> line) => command switch
    {
        null => "(unknown command)",
        AuthCommand => "AUTH",
        _ => SmtpLog.Escape(line),
    };

    /// <summary>Octets of a client in a form that cannot forge a log line.</summary>
    internal static string Escape(ReadOnlySpan<byte> octets)
    {
        if (octets.Length > 200) octets = octets[..200];
        var text = new System.Text.StringBuilder(octets.Length + 8);
        foreach (var c in octets)
        {
            if (c is >= 32 and < 127 and not (byte)'\\') text.Append((char)c);
            else text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{c:x2}");
        }
        return text.ToString();
    }
}
