using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;
using Posthorn.Search;
using Posthorn.Storage;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap;

/// <summary>IMAP4rev1 and rev2 over the store. One object serves all listeners: it holds the views of mailboxes. Thread-safe.</summary>
public sealed class ImapServer : IDisposable
{
    /// <param name="options">Names, limits, deadlines.</param>
    /// <param name="store">The mailboxes.</param>
    /// <param name="directory">When given, quotas hold, and a session whose account is disabled or removed meanwhile is ended.</param>
    /// <param name="authenticator">Who checks logins.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">One line per login, refusal and session.</param>
    public ImapServer(ImapOptions options, MailStore store, AccountDirectory? directory, IAuthenticator authenticator, TimeProvider time, ILogger logger)
    {
        (Options, Store, Directory, Authenticator, Time, Log) = (options, store, directory, authenticator, time, logger);
        Views = new ViewCache(store, time, options.KeepViews);
    }

    /// <summary>Makes searches quick; what they find is the same without it.</summary>
    public SearchIndex? Index { get; init; }

    internal ImapOptions Options { get; }
    internal MailStore Store { get; }
    internal AccountDirectory? Directory { get; }
    internal IAuthenticator Authenticator { get; }
    internal TimeProvider Time { get; }
    internal ILogger Log { get; }
    internal ViewCache Views { get; }

    /// <summary>Changes that the store does not tell of.</summary>
    internal Extensions.Notify.ServerFeed Feed { get; } = new();

    /// <summary>
    /// Serves one connection from greeting to end; with implicit TLS the handshake is done already. Flushes, but leaves
    /// closing to the caller. Never throws for what a client does.
    /// </summary>
    public async Task RunAsync(Connection connection, ImapListenerSettings listener, CancellationToken ct)
    {
        using var session = new ImapSession(this, connection, listener);
        await session.RunAsync(ct).ConfigureAwait(false);
    }

    /// <summary>To be called when somebody may see other mailboxes than before by other means than a session.</summary>
    public void RightsChanged() => Feed.Publish(new Extensions.Notify.FeedItem(0, 0, []));

    public void Dispose() => Views.Dispose();
}
