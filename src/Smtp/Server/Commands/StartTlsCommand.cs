namespace Posthorn.Smtp.Server.Commands;

/// <summary>STARTTLS (RFC 3207): the handshake, after which nothing said before counts.</summary>
sealed class StartTlsCommand : SmtpCommand
{
    internal override string Verb => "STARTTLS";
    internal override When When => When.Everywhere | When.EndsGroup | When.Bare;
    internal override string Form => "STARTTLS";

    internal static bool IsOffered(SmtpSession session) => session.Connection.Tls is null && session.Listener.Tls?.Invoke() is not null;

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (session.Connection.Tls is not null)
        {
            session.Refuse("503 5.5.1 TLS is already active\r\n"u8);
            return;
        }
        if (session.Listener.Tls is null)
        {
            session.Refuse("502 5.5.1 No TLS here\r\n"u8);
            return;
        }
        if (session.Listener.Tls() is not { } options)
        {
            session.Reply("454 4.7.0 TLS not available\r\n"u8); // RFC 3207 §4
            return;
        }
        session.Reply("220 2.0.0 Ready to start TLS\r\n"u8);
        await session.ForgetAsync().ConfigureAwait(false);
        if (await session.Connection.UpgradeToTlsAsync(options, session.Options.TlsTimeout).ConfigureAwait(false))
        {
            session.Client.Tls = TlsName.Of(session.Connection.Tls!);
            return;
        }
        session.LogTlsFailure();
        session.Hang("TLS handshake failed");
    }
}
