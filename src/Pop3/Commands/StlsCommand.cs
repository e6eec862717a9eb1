namespace Posthorn.Pop3.Commands;

/// <summary>STLS (RFC 2595 §4).</summary>
sealed class StlsCommand : Pop3Command
{
    internal override string Verb => "STLS";

    internal override When When => When.Authorization;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        var connection = session.Connection;
        if (session.Encrypted)
        {
            session.Err("TLS is active already");
            return;
        }
        if (session.TlsOptions is not { } options)
        {
            session.Err("TLS is not available");
            return;
        }
        // Octets after the command came in the clear; taken up after the handshake they would be commands of nobody
        // knows whom (CVE-2011-0411, CVE-2021-33515).
        if (connection.HasBufferedInput)
        {
            session.End("octets after STLS", "-ERR nothing may follow STLS before TLS\r\n"u8);
            return;
        }
        session.Write("+OK begin TLS\r\n"u8);
        if (!await connection.UpgradeToTlsAsync(options, session.Server.Options.TlsTimeout).ConfigureAwait(false))
        {
            Pop3Log.TlsFailed(session.Server.Log, connection.Remote, connection.TlsFailure ?? "no reason given");
            session.End("TLS failed", default);
            return;
        }
        session.ResetForTls();
    }
}
