using Microsoft.Extensions.Logging;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Smtp.Server;

/// <summary>
/// The server side of SMTP (RFC 5321), submission (RFC 6409) and LMTP (RFC 2033). Made once; runs any number of sessions at
/// the same time.
/// </summary>
public sealed class SmtpServer(SmtpServerOptions options, ISmtpBackend backend, IAuthenticator authenticator, TimeProvider time, ILogger logger)
{
    long _sessions;

    internal SmtpServerOptions Options { get; } = options;
    internal ISmtpBackend Backend { get; } = backend;
    internal IAuthenticator Authenticator { get; } = authenticator;
    internal TimeProvider Time { get; } = time;
    internal ILogger Logger { get; } = logger;

    /// <summary>
    /// Serves one client until one of both ends the session. Never throws; the caller disposes the connection. A connection
    /// with implicit TLS arrives after its handshake.
    /// </summary>
    /// <param name="ct">Cancels work of the backend when the server can wait no longer; reads end by <see cref="Connection.Drain"/>.</param>
    public Task RunAsync(Connection connection, SmtpListenerSettings listener, CancellationToken ct)
    {
        var id = $"{Time.GetUtcNow().ToUnixTimeSeconds():x}.{Interlocked.Increment(ref _sessions):x}";
        return new SmtpSession(this, connection, listener, id, ct).RunAsync();
    }
}
