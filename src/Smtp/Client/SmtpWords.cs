using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Client;

/// <summary>What happened in a session, in words for logs and notices.</summary>
static class SmtpWords
{
    /// <summary>What was to be answered.</summary>
    internal static string Of(SmtpStage stage) => stage switch
    {
        SmtpStage.Connect or SmtpStage.Greeting => "the connection",
        SmtpStage.Hello => "EHLO",
        SmtpStage.StartTls => "STARTTLS",
        SmtpStage.Handshake => "the TLS handshake",
        SmtpStage.Auth => "AUTH",
        SmtpStage.Mail => "MAIL FROM",
        SmtpStage.Rcpt => "RCPT TO",
        SmtpStage.Data => "DATA",
        SmtpStage.Text => "the text of the message",
        SmtpStage.FinalDot => "the end of the message",
        SmtpStage.Reset => "RSET",
        _ => "QUIT",
    };

    /// <summary>A reply on one line.</summary>
    internal static string Of(SmtpReply reply) =>
        reply.Enhanced is { } enhanced ? $"{reply.Code} {enhanced} {string.Join(' ', reply.Lines)}" : $"{reply.Code} {string.Join(' ', reply.Lines)}";

    /// <summary>The failure that a reply is.</summary>
    internal static SmtpFailure Refused(SmtpStage stage, SmtpReply reply) =>
        new(stage, SmtpFailureKind.Reply, reply, $"the server answered {Of(stage)} with: {Of(reply)}");
}
