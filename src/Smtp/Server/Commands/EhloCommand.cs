using System.Buffers.Text;
using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>EHLO (RFC 5321 §4.1.1.1): the greeting that lists what we can do.</summary>
sealed class EhloCommand : SmtpCommand
{
    internal override string Verb => "EHLO";
    internal override When When => When.OnRelay | When.OnSubmission | When.EndsGroup;
    internal override string Form => "EHLO domain";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var name = HeloArgument.Parse(argument.Span);
        await session.HelloAsync(name, extended: true).ConfigureAwait(false);
        WriteKeywords(session);
    }

    /// <summary>The reply of EHLO and LHLO.</summary>
    internal static void WriteKeywords(SmtpSession s)
    {
        s.Reply("250-"u8, s.Options.Hostname, "\r\n250-PIPELINING\r\n250-SIZE "u8); // RFC 2920, RFC 1870
        WriteNumber(s, s.Options.MaxMessageSize);
        // RFC 6152, RFC 3030, RFC 6531, RFC 2034, RFC 3461
        s.Reply("\r\n250-8BITMIME\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n"u8);
        if (s.Client.Service != SmtpService.Lmtp) s.Reply("250-VRFY\r\n"u8); // RFC 5321 §3.5.2
        if (s.LoggedIn) s.Reply("250-EXPN\r\n"u8);
        if (StartTlsCommand.IsOffered(s)) s.Reply("250-STARTTLS\r\n"u8); // RFC 3207 §4: not under TLS
        WriteMechanisms(s);
        if (s.MayXClient) s.Reply("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"u8);
        s.Reply("250-LIMITS RCPTMAX="u8); // RFC 9422
        WriteNumber(s, s.Options.MaxRecipients);
        s.Reply("\r\n250 HELP\r\n"u8);
    }

    static void WriteMechanisms(SmtpSession s)
    {
        var offered = AuthCommand.Offered(s);
        if (offered.Count == 0) return;
        s.Reply("250-AUTH"u8); // RFC 4954 §3
        foreach (var mechanism in offered) s.Reply(" "u8, mechanism, default);
        s.Reply("\r\n"u8);
    }

    static void WriteNumber(SmtpSession s, long n)
    {
        Utf8Formatter.TryFormat(n, s.Connection.GetSpan(20), out var length);
        s.Connection.Advance(length);
    }
}
