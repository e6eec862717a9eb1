namespace Posthorn.Smtp.Server.Commands;

/// <summary>QUIT (RFC 5321 §4.1.1.10): ends the session; an open transaction is dropped.</summary>
sealed class QuitCommand : SmtpCommand
{
    internal override string Verb => "QUIT";
    internal override When When => When.Everywhere | When.Bare;
    internal override string Form => "QUIT";

    internal override ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        session.End("221 2.0.0 Bye\r\n"u8, "quit");
        return default;
    }
}
