using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Wire.Connections;

/// <summary>What one listener needs to know.</summary>
public sealed record ListenerSettings
{
    /// <summary>The protocol's name, for the log.</summary>
    public required string Protocol { get; init; }

    /// <summary>Where to listen: an IP end point or a <see cref="UnixDomainSocketEndPoint"/>.</summary>
    public required EndPoint Address { get; init; }

    /// <summary>Who may connect to a Unix socket: its mode. Default 0660.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Networks whose connections start with a PROXY header.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocol { get; init; } = [];

    /// <summary>TLS from the first octet (ports 465, 995, 993); null for clear.</summary>
    public Func<SslServerAuthenticationOptions>? ImplicitTls { get; init; }

    /// <summary>The certificate that TLS on this listener shows, for channel binding.</summary>
    public Func<X509Certificate2?> Certificate { get; init; } = static () => null;

    /// <summary>How long a TLS handshake (and a PROXY header) may take.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What a client is told that may not come in, in the protocol's words; the connection is then closed.</summary>
    public required Func<Admission, byte[]> Refusal { get; init; }

    /// <summary>Runs the session. The connection is disposed afterwards, whatever happens.</summary>
    public required Func<Connection, CancellationToken, Task> Session { get; init; }
}

/// <summary>
/// Accepts connections and runs sessions. Works on sockets directly: admission is decided before anything is allocated,
/// a Unix socket and a PROXY header are ordinary, and an idle connection holds no buffers (docs/adr/0002).
/// </summary>
public sealed partial class Listener : IAsyncDisposable
{
    const int Backlog = 4096;
    static readonly TimeSpan AcceptBackOff = TimeSpan.FromMilliseconds(100);

    readonly ListenerSettings _settings;
    readonly ConnectionGate _gate;
    readonly DeadlineWatch _watch;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop = new();
    readonly CancellationTokenSource _abort = new();
    readonly Socket _socket;
    SafeFileHandle? _reserve;
    Task _accepting = Task.CompletedTask;

    public Listener(ListenerSettings settings, ConnectionGate gate, DeadlineWatch watch, TimeProvider time, ILogger log)
    {
        (_settings, _gate, _watch, _time, _log) = (settings, gate, watch, time, log);
        _socket = Bind(settings.Address);
        _reserve = OpenReserve();
    }

    /// <summary>Where it listens; the port is the real one when 0 was asked for.</summary>
    public EndPoint Address => _socket.LocalEndPoint!;

    /// <summary>Starts to accept.</summary>
    public void Start()
    {
        _socket.Listen(Backlog);
        if (_settings.Address is UnixDomainSocketEndPoint unix)
            File.SetUnixFileMode(unix.ToString()!, _settings.Mode);
        _accepting = Task.Run(AcceptAsync);
    }

    static Socket Bind(EndPoint address)
    {
        if (address is UnixDomainSocketEndPoint unix)
        {
            File.Delete(unix.ToString()!); // left over from a killed run: the store's lock says that nobody else serves here
            var u = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            u.Bind(unix);
            return u;
        }
        var s = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address is IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } v6) s.DualMode = v6.Address.Equals(IPAddress.IPv6Any);
        // Accepted sockets inherit these on Linux, which saves the calls for each connection.
        s.NoDelay = true;
        s.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        // SO_REUSEADDR alone, so that a restart need not wait for old connections. .NET's ReuseAddress sets SO_REUSEPORT too, and
        // two servers would silently share a port.
        s.SetRawSocketOption(1, 2, BitConverter.GetBytes(1));
        s.Bind(address);
        return s;
    }

    async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                if (_stop.IsCancellationRequested) return;
                LogAcceptFailed(_settings.Protocol, e.SocketErrorCode);
                if (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable) await ShedOneAsync().ConfigureAwait(false);
                // A client that gave up before it was accepted costs its turn; what else fails may fail again at once.
                else if (e.SocketErrorCode is not (SocketError.ConnectionAborted or SocketError.ConnectionReset)) await PauseAsync().ConfigureAwait(false);
                continue;
            }
            try
            {
                Admit(socket);
            }
            catch (Exception e)
            {
                // Whatever is wrong with one client: the loop is for all of them.
                LogSessionFault(e, _settings.Protocol, IPAddress.None);
                socket.Dispose();
            }
        }
    }

    /// <summary>
    /// Out of file descriptors: gives the reserve up to take one waiting client and send it away with a word, then waits.
    /// Without the pause the loop would spin at full speed, as others' have.
    /// </summary>
    async Task ShedOneAsync()
    {
        _reserve?.Dispose();
        _reserve = null;
        try
        {
            using var limit = new CancellationTokenSource(AcceptBackOff, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
            // Cancelled, not left behind: an accept that nobody waits for would take the next client and never serve it.
            using var shed = await _socket.AcceptAsync(either.Token).ConfigureAwait(false);
            Refuse(shed, Admission.ServerFull);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException) { }
        _reserve = OpenReserve();
        await PauseAsync().ConfigureAwait(false);
    }

    async Task PauseAsync()
    {
        try { await Task.Delay(AcceptBackOff, _time, _stop.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) { }
    }

    static SafeFileHandle? OpenReserve()
    {
        try { return File.OpenHandle("/dev/null"); }
        catch (IOException) { return null; }
    }

    void Admit(Socket socket)
    {
        EndPoint remote, local;
        IPAddress? address = null; // none on a Unix socket: its mode says who may come in
        try
        {
            (remote, local) = socket.AddressFamily == AddressFamily.Unix ? (_settings.Address, _settings.Address) : (socket.RemoteEndPoint!, socket.LocalEndPoint!);
        }
        catch (SocketException) // gone already
        {
            socket.Dispose();
            return;
        }
        if (remote is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped) remote = new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port);
        if (remote is IPEndPoint ip) address = ip.Address;
        var proxied = address is not null && IsProxy(address);
        if (!proxied && _gate.Enter(address) is var admission and not Admission.Admitted)
        {
            Refuse(socket, admission);
            socket.Dispose();
            LogRefused(_settings.Protocol, remote, admission);
            return;
        }
        var connection = new Connection(new NetworkStream(socket, ownsSocket: true), remote, local, () => socket.Shutdown(SocketShutdown.Receive), _time) { PeerUser = PeerCredentials.UserOf(socket) };
        // On another thread: a session runs on as long as its client keeps sending, and a TLS handshake computes; neither may
        // hold up the clients behind it.
        ThreadPool.UnsafeQueueUserWorkItem(static s => _ = s.Listener.RunAsync(s.Connection, s.Address, s.Proxied),
            (Listener: this, Connection: connection, Address: address, Proxied: proxied), preferLocal: false);
    }

    bool IsProxy(IPAddress address)
    {
        foreach (var network in _settings.ProxyProtocol)
            if (network.Contains(address)) return true;
        return false;
    }

    void Refuse(Socket socket, Admission why)
    {
        try
        {
            // A socket just accepted has room for one line. TLS clients get no line that they could read: they see the close.
            if (_settings.ImplicitTls is null) socket.Send(_settings.Refusal(why), SocketFlags.None);
        }
        catch (SocketException) { }
    }

    async Task RunAsync(Connection connection, IPAddress? address, bool proxied)
    {
        _watch.Add(connection);
        var admitted = !proxied;
        try
        {
            if (proxied)
            {
                address = await ReadProxyHeaderAsync(connection).ConfigureAwait(false);
                if (address is null) return;
                admitted = true;
            }
            if (_settings.ImplicitTls is { } tls)
            {
                connection.ServerCertificate = _settings.Certificate();
                if (!await connection.UpgradeToTlsAsync(tls(), _settings.HandshakeTimeout).ConfigureAwait(false))
                {
                    LogHandshakeFailed(_settings.Protocol, connection.RemoteAddress, connection.TlsFailure);
                    return;
                }
            }
            await _settings.Session(connection, _abort.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogSessionFault(e, _settings.Protocol, connection.RemoteAddress);
        }
        finally
        {
            // Closed first: until then it holds a descriptor, so it counts, and its last words have a deadline like others.
            try { await connection.DisposeAsync().ConfigureAwait(false); }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { }
            _watch.Remove(connection);
            if (admitted) _gate.Leave(address);
        }
    }

    /// <summary>Reads the header of a trusted proxy and counts the client behind it in; null when the connection must end.</summary>
    async ValueTask<IPAddress?> ReadProxyHeaderAsync(Connection connection)
    {
        while (true)
        {
            var found = ProxyHeader.Read(connection.Buffered.Span, out var source, out var destination, out var length);
            if (found is ProxyHeader.Found.Incomplete)
            {
                if (await connection.FillAsync(_settings.HandshakeTimeout).ConfigureAwait(false) != LineStatus.Line) return null;
                continue;
            }
            if (found is ProxyHeader.Found.Bad)
            {
                LogBadProxyHeader(_settings.Protocol, connection.RemoteAddress);
                return null;
            }
            connection.Consume(length);
            if (found is ProxyHeader.Found.Proxied) (connection.Remote, connection.Local) = (source!, destination!);
            var address = connection.RemoteAddress;
            var admission = _gate.Enter(address);
            if (admission is Admission.Admitted) return address;
            LogRefused(_settings.Protocol, connection.Remote, admission);
            if (_settings.ImplicitTls is null) connection.Write(_settings.Refusal(admission));
            return null;
        }
    }

    /// <summary>Stops to accept; sessions go on.</summary>
    public async Task StopAcceptingAsync()
    {
        if (!_stop.IsCancellationRequested) await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        if (_settings.Address is UnixDomainSocketEndPoint unix) File.Delete(unix.ToString()!);
    }

    /// <summary>Stops to accept and cancels what the sessions wait for.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAcceptingAsync().ConfigureAwait(false);
        await _abort.CancelAsync().ConfigureAwait(false);
        _reserve?.Dispose();
    }

    [LoggerMessage(1001, LogLevel.Warning, "accept failed on {Protocol}: {Error}")]
    partial void LogAcceptFailed(string protocol, SocketError error);

    [LoggerMessage(1002, LogLevel.Information, "connection refused on {Protocol} from {Remote}: {Admission}")]
    partial void LogRefused(string protocol, EndPoint remote, Admission admission);

    [LoggerMessage(1003, LogLevel.Information, "TLS handshake failed on {Protocol} from {Remote}: {Reason}")]
    partial void LogHandshakeFailed(string protocol, IPAddress remote, string? reason);

    [LoggerMessage(1004, LogLevel.Error, "session fault on {Protocol} from {Remote}")]
    partial void LogSessionFault(Exception fault, string protocol, IPAddress remote);

    [LoggerMessage(1005, LogLevel.Warning, "no valid PROXY header on {Protocol} from {Remote}")]
    partial void LogBadProxyHeader(string protocol, IPAddress remote);
}
