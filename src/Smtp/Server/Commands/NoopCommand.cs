namespace Posthorn.Smtp.Server.Commands;

/// <summary>NOOP (RFC 5321 §4.1.1.9): does nothing, with any argument.</summary>
sealed class NoopCommand : SmtpCommand
{
    internal override string Verb => "NOOP";
    internal override When When => When.Everywhere | When.Junk;
    internal override string Form => "NOOP [text]";

    internal override ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        session.Reply("250 2.0.0 Ok\r\n"u8);
        return default;
    }
}
