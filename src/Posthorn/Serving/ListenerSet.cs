using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Posthorn.Configuration;
using Posthorn.Tls.Certificates;
using Posthorn.Wire.Connections;

namespace Posthorn.Serving;

/// <summary>An address cannot be listened on.</summary>
/// <param name="option">The option that names it.</param>
sealed class BindException(string option, string address, Exception inner) : Exception($"{option}: cannot listen on {address}: {inner.Message}", inner);

/// <summary>Starts a session of a listener's protocol.</summary>
/// <param name="tls">For STARTTLS; null where TLS is there from the start or has no place.</param>
delegate Task SessionStart(ListenerOptions listener, Func<SslServerAuthenticationOptions?>? tls, Connection connection, CancellationToken ct);

/// <summary>All listeners: bound together, started together, stopped together.</summary>
sealed partial class ListenerSet : IAsyncDisposable
{
    static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1), Poll = TimeSpan.FromMilliseconds(50);

    readonly List<Listener> _listeners = [];
    readonly DeadlineWatch _watch;
    readonly ConnectionGate _gate;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly ServerOptions _options;
    readonly CertificateStore _certificates;
    readonly SessionStart _session;

    public ListenerSet(ServerOptions options, TrustedNetworks trusted, CertificateStore certificates, SessionStart session, TimeProvider time, ILogger log)
    {
        (_options, _certificates, _session, _time, _log) = (options, certificates, session, time, log);
        _watch = new DeadlineWatch(time);
        _gate = new ConnectionGate(Deployment.Gate(options), trusted.Contains, time);
    }

    /// <summary>Changes the limits for connections to come.</summary>
    public void SetLimits(GateLimits limits) => _gate.Limits = limits;

    /// <summary>True while few places are left.</summary>
    public bool NearlyFull => _gate.NearlyFull;

    /// <summary>How many clients are connected.</summary>
    public int Connections => _watch.Count;

    /// <summary>Binds the addresses that <paramref name="which"/> chooses, without taking clients yet. Throws <see cref="BindException"/>.</summary>
    public void Bind(Func<ListenerAddress, bool> which)
    {
        for (var i = 0; i < _options.Listeners.Count; i++)
        {
            var listener = _options.Listeners[i];
            if (!which(listener.Address)) continue;
            try { _listeners.Add(new Listener(Settings(listener), _gate, _watch, _time, _log)); }
            catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException) { throw new BindException($"listeners[{i}]", $"{listener.Address} ({Deployment.Name(listener.Protocol)})", e); }
        }
    }

    /// <summary>Binds the socket for the mail of this machine's users. Throws <see cref="BindException"/>.</summary>
    public void BindLocal(string path, SendmailUsers users, Func<Connection, CancellationToken, Task> session)
    {
        const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode ownDirectory = own | UnixFileMode.UserExecute;
        var all = users == SendmailUsers.All;
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } directory && !Directory.Exists(directory))
                Directory.CreateDirectory(directory, all ? ownDirectory | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute : ownDirectory);
            _listeners.Add(new Listener(new ListenerSettings
            {
                Protocol = "sendmail",
                Address = new UnixDomainSocketEndPoint(path),
                Mode = all ? own | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite : own,
                Refusal = RefusalOf(ListenerProtocol.Smtp),
                Session = session,
            }, _gate, _watch, _time, _log));
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException) { throw new BindException("sendmail.socket", path, e); }
    }

    ListenerSettings Settings(ListenerOptions options)
    {
        var tls = _certificates.ForListener(AlpnOf(options.Protocol));
        var implicitTls = Deployment.IsImplicitTls(options.Protocol);
        SslServerAuthenticationOptions Choose() => tls.DependsOnName ? new NamedTlsOptions(tls.Options) : tls.Options(null);
        Func<SslServerAuthenticationOptions?>? startTls = implicitTls ? null : Choose;
        return new ListenerSettings
        {
            Protocol = Deployment.Name(options.Protocol),
            Address = Deployment.EndPoint(options.Address),
            ProxyProtocol = options.ProxyProtocol,
            ImplicitTls = implicitTls ? Choose : null,
            Certificate = () => tls.Leaf,
            Refusal = RefusalOf(options.Protocol),
            Session = (connection, ct) =>
            {
                connection.ServerCertificate ??= tls.Leaf;
                return _session(options, startTls, connection, ct);
            },
        };
    }

    /// <summary>
    /// A browser or another service's client, led here by an attacker, names its own protocol in ALPN and must fail (ALPACA).
    /// SMTP has no registered name; those in use among mail servers are taken.
    /// </summary>
    static string[] AlpnOf(ListenerProtocol protocol) => Deployment.IsSmtp(protocol) ? ["smtp", "esmtp"] : Deployment.IsImap(protocol) ? ["imap"] : ["pop3"];

    Func<Admission, byte[]> RefusalOf(ListenerProtocol protocol)
    {
        // RFC 5321 §3.8 allows 421 in place of the greeting, RFC 3463 §3.4 and §3.8 tell a full system from a policy;
        // RFC 3206 §4 names SYS/TEMP.
        if (Deployment.IsImap(protocol))
        {
            // RFC 9051 §7.1.5 allows BYE as the greeting; RFC 5530 §3 names UNAVAILABLE.
            var later = "* BYE [UNAVAILABLE] too many connections, try again later\r\n"u8.ToArray();
            return _ => later;
        }
        if (!Deployment.IsSmtp(protocol))
        {
            var busy = "-ERR [SYS/TEMP] too many connections, try again later\r\n"u8.ToArray();
            return _ => busy;
        }
        var full = System.Text.Encoding.ASCII.GetBytes($"421 4.3.2 {_options.Hostname} too many connections, try again later\r\n");
        var many = System.Text.Encoding.ASCII.GetBytes($"421 4.7.0 {_options.Hostname} too many connections from your network, try again later\r\n");
        return why => why == Admission.ServerFull ? full : many;
    }

    /// <summary>Begins to take clients.</summary>
    public void Start()
    {
        foreach (var listener in _listeners) listener.Start();
    }

    /// <summary>Takes no more clients, lets transfers end for at most <paramref name="patience"/>, then cuts the rest.</summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        foreach (var listener in _listeners) await listener.StopAcceptingAsync().ConfigureAwait(false);
        foreach (var connection in _watch.Open) connection.Drain(evenInTransfer: false);
        if (await EmptyAsync(patience).ConfigureAwait(false)) return;
        LogCut(_watch.Count);
        await CutAsync().ConfigureAwait(false);
    }

    /// <summary>Ends all sessions at once; those that can still say a word do.</summary>
    public async Task CutAsync()
    {
        foreach (var connection in _watch.Open) connection.Drain(evenInTransfer: true);
        if (await EmptyAsync(LastWords).ConfigureAwait(false)) return;
        foreach (var connection in _watch.Open) connection.Abort();
        await EmptyAsync(LastWords).ConfigureAwait(false);
    }

    async Task<bool> EmptyAsync(TimeSpan patience)
    {
        var begin = _time.GetTimestamp();
        while (_watch.Count > 0)
        {
            if (_time.GetElapsedTime(begin) >= patience) return false;
            await Task.Delay(Poll, _time).ConfigureAwait(false);
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners) await listener.DisposeAsync().ConfigureAwait(false);
        _watch.Dispose();
    }

    [LoggerMessage(4001, LogLevel.Warning, "{Count} sessions did not end in time and are cut")]
    partial void LogCut(int count);
}
