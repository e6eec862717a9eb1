using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>LHLO (RFC 2033 §4.1): EHLO of the local mail transfer protocol.</summary>
sealed class LhloCommand : SmtpCommand
{
    internal override string Verb => "LHLO";
    internal override When When => When.OnLmtp | When.EndsGroup;
    internal override string Form => "LHLO domain";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var name = HeloArgument.Parse(argument.Span);
        await session.HelloAsync(name, extended: true).ConfigureAwait(false);
        EhloCommand.WriteKeywords(session);
    }
}
