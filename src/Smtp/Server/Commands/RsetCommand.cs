namespace Posthorn.Smtp.Server.Commands;

/// <summary>RSET (RFC 5321 §4.1.1.5): drops the transaction.</summary>
sealed class RsetCommand : SmtpCommand
{
    internal override string Verb => "RSET";
    internal override When When => When.Everywhere | When.Junk | When.Bare;
    internal override string Form => "RSET";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        await session.DropEnvelopeAsync().ConfigureAwait(false);
        session.State.SkippingChunks = false;
        session.Reply("250 2.0.0 Ok\r\n"u8);
    }
}
