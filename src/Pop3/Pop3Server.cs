using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Storage;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3;

/// <summary>
/// POP3 (RFC 1939 with CAPA, STLS, AUTH, UTF8 and the response codes) over the store. One object serves all listeners:
/// it holds the locks that keep a maildrop to one session. Thread-safe.
/// </summary>
public sealed class Pop3Server
{
    /// <param name="options">Names, limits, deadlines.</param>
    /// <param name="store">The mailboxes.</param>
    /// <param name="directory">When given, a session whose account is disabled or removed meanwhile is ended.</param>
    /// <param name="authenticator">Who checks logins.</param>
    /// <param name="time">The clock for the log.</param>
    /// <param name="logger">One line per login, refusal and session.</param>
    public Pop3Server(Pop3Options options, MailStore store, AccountDirectory? directory, IAuthenticator authenticator, TimeProvider time, ILogger logger)
    {
        (Options, Store, Directory, Authenticator, Time, Log) = (options, store, directory, authenticator, time, logger);
    }

    internal Pop3Options Options { get; }
    internal MailStore Store { get; }
    internal AccountDirectory? Directory { get; }
    internal IAuthenticator Authenticator { get; }
    internal TimeProvider Time { get; }
    internal ILogger Log { get; }
    internal MaildropLocks Locks { get; } = new();

    /// <summary>
    /// Serves one connection from greeting to end; with implicit TLS the handshake is done already. Flushes, but leaves
    /// closing to the caller. Never throws for what a client does.
    /// </summary>
    public async Task RunAsync(Connection connection, Pop3ListenerSettings listener, CancellationToken ct)
    {
        using var session = new Pop3Session(this, connection, listener);
        await session.RunAsync(ct).ConfigureAwait(false);
    }
}
