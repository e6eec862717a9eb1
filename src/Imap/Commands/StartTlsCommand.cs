using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>STARTTLS (RFC 9051 §6.2.1).</summary>
sealed class StartTlsCommand : ImapCommand
{
    internal override string Verb => "STARTTLS";

    internal override When When => When.Stranger;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        var connection = session.Connection;
        if (session.Encrypted) return Reply.Bad("TLS is active already");
        if (session.TlsOptions is not { } options) return Reply.Bad("TLS is not available");
        // Octets after the command came in the clear; taken up after the handshake they would be commands of nobody
        // knows whom (CVE-2011-0411, CVE-2021-33515).
        if (connection.HasBufferedInput)
        {
            session.Tagged("BAD"u8, null, "nothing may follow STARTTLS before TLS");
            session.Bye("octets after STARTTLS", "nothing may follow STARTTLS before TLS");
            return Reply.None;
        }
        session.Tagged("OK"u8, null, "begin TLS negotiation now");
        if (!await connection.UpgradeToTlsAsync(options, session.Server.Options.TlsTimeout).ConfigureAwait(false))
        {
            ImapLog.TlsFailed(session.Server.Log, connection.Remote, connection.TlsFailure ?? "no reason given");
            session.End("TLS failed");
        }
        return Reply.None;
    }
}
