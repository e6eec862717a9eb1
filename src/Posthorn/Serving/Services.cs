using System.Net.Security;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Service;
using Posthorn.Configuration;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Imap;
using Posthorn.Logging;
using Posthorn.Pop3;
using Posthorn.Search;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Verbs;
using Posthorn.Wire.Connections;

namespace Posthorn.Serving;

/// <summary>The store and the protocol servers on it.</summary>
sealed class Services : IAsyncDisposable
{
    readonly AccountDirectory _directory;
    readonly PasswordKdf _kdf;
    readonly Pop3Server _pop3;
    readonly ImapServer _imap;
    readonly SearchIndex _search;
    readonly SmtpServer _smtp;
    readonly TrustedNetworks _trusted;
    readonly TimeProvider _time;
    readonly Housekeeping _housekeeping;
    readonly MailKeeping _keeping;
    readonly ThreadKeeping _threads;
    readonly Connector _connector;
    readonly DeliveryAgent _agent;
    readonly OutboundQueue? _queue;

    Services(LoadedConfig config, MailStore store, LogProvider logs, TimeProvider time, TrustedNetworks trusted, Func<bool> nearlyFull, bool holdForeign)
    {
        (Store, _time, _trusted) = (store, time, trusted);
        _directory = new AccountDirectory(store, Deployment.Accounts(config.Options));
        _kdf = new PasswordKdf();
        var authenticator = new Authenticator(store, _directory, _kdf, new LoginLimits(), trusted.Contains, time, logs.CreateLogger("login"));
        _pop3 = new Pop3Server(new Pop3Options { Hostname = config.Options.Hostname }, store, _directory, authenticator, time, logs.CreateLogger("pop3"));
        _search = SearchIndex.Open(store, time, logs.CreateLogger("search"));
        _imap = new ImapServer(Deployment.Imap(config.Options), store, _directory, authenticator, time, logs.CreateLogger("imap")) { Index = _search };
        var delivery = Deployment.Delivery(config.Options, holdForeign);
        var queue = Deployment.Queue(config.Options);
        _connector = new Connector(time);
        _agent = new DeliveryAgent(new DnsResolver(Deployment.Dns(config.Options), time, logs.CreateLogger("dns")), store, _connector, queue, Random.Shared, time, logs.CreateLogger("outbound"));
        var notices = new NoticeMaker(store, _directory, delivery, time, logs.CreateLogger("notices"));
        // A server that holds what is for others (the demo) has no scheduler at all.
        if (!holdForeign) _queue = new OutboundQueue(store, _directory, _agent, notices, queue, config.Options.DataDirectory, time, logs.CreateLogger("queue"));
        var backend = new SmtpBackend(store, _directory, delivery, time, logs.CreateLogger("delivery"), _queue);
        _smtp = new SmtpServer(Deployment.Smtp(config.Options) with { UnderStress = nearlyFull }, backend, authenticator, time, logs.CreateLogger("smtp"));
        _housekeeping = new Housekeeping(store, time, logs.CreateLogger("housekeeping"));
        _keeping = new MailKeeping(store, time, logs.CreateLogger("keeping"));
        _threads = new ThreadKeeping(store, time, logs.CreateLogger("keeping"));
    }

    public MailStore Store { get; }

    public static async Task<Services> OpenAsync(LoadedConfig config, LogProvider logs, TimeProvider time, TrustedNetworks trusted, Func<bool> nearlyFull, bool holdForeign)
    {
        var store = await MailStore.OpenAsync(Deployment.Store(config.Options), time, logs.CreateLogger("store")).ConfigureAwait(false);
        await SpecialFolders.CompleteAsync(store).ConfigureAwait(false);
        var services = new Services(config, store, logs, time, trusted, nearlyFull, holdForeign);
        if (services._queue is { } queue) await queue.StartAsync().ConfigureAwait(false);
        services._search.Start();
        return services;
    }

    /// <summary>What the verbs that come in by the control socket work on.</summary>
    public VerbContext Verbs(LoadedConfig config) => new(config, Store, _directory, _kdf, _time, owned: false) { Queue = _queue, Search = _search };

    /// <summary>Serves one client of a listener.</summary>
    public Task ServeAsync(ListenerOptions listener, Func<SslServerAuthenticationOptions?>? tls, Connection connection, CancellationToken ct)
    {
        var plaintext = listener.PlaintextLogin == PlaintextLogin.Loopback;
        if (Deployment.IsImap(listener.Protocol)) return _imap.RunAsync(connection, new ImapListenerSettings(tls, plaintext), ct);
        if (!Deployment.IsSmtp(listener.Protocol)) return _pop3.RunAsync(connection, new Pop3ListenerSettings(tls, plaintext), ct);
        var settings = new SmtpListenerSettings
        {
            Service = Deployment.Service(listener.Protocol),
            Tls = tls,
            PlaintextLogin = plaintext,
            Trusted = _trusted.Contains,
            XClient = listener.Protocol == ListenerProtocol.Smtp,
        };
        return _smtp.RunAsync(connection, settings, ct);
    }

    /// <summary>Serves a program of this machine that sends mail: its user may send to anywhere, as with other mail servers' sendmail.</summary>
    public Task ServeLocalAsync(Connection connection, CancellationToken ct)
    {
        var id = connection.PeerUser ?? -1;
        var name = ProcessUser.Find((uint)id)?.Name ?? id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return _smtp.RunAsync(connection, new SmtpListenerSettings { Service = SmtpService.Relay, LocalUser = new LocalUser(name, id) }, ct);
    }

    /// <summary>Lets deliveries to other hosts end for so long.</summary>
    public Task DrainAsync(TimeSpan most) => _queue?.DrainAsync(most) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_queue is not null) await _queue.DisposeAsync().ConfigureAwait(false);
        await _agent.DisposeAsync().ConfigureAwait(false);
        _connector.Dispose();
        await _housekeeping.DisposeAsync().ConfigureAwait(false);
        await _keeping.DisposeAsync().ConfigureAwait(false);
        await _threads.DisposeAsync().ConfigureAwait(false);
        _imap.Dispose();
        await _search.DisposeAsync().ConfigureAwait(false);
        _directory.Dispose();
        _kdf.Dispose();
        await Store.DisposeAsync().ConfigureAwait(false);
    }
}
