using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>HELO (RFC 5321 §4.1.1.1): the old greeting, without extensions.</summary>
sealed class HeloCommand : SmtpCommand
{
    internal override string Verb => "HELO";
    internal override When When => When.OnRelay | When.OnSubmission | When.EndsGroup;
    internal override string Form => "HELO domain";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var name = HeloArgument.Parse(argument.Span);
        await session.HelloAsync(name, extended: false).ConfigureAwait(false);
        session.Reply("250 "u8, session.Options.Hostname, "\r\n"u8);
    }
}
