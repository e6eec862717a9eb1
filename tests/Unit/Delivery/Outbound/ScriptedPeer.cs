using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Posthorn.Tests.Unit.Delivery.Outbound;

/// <summary>A mail server on a real socket that does as its script says and writes down what it saw.</summary>
sealed class ScriptedPeer : IAsyncDisposable
{
    readonly Socket _listener;
    readonly PeerScript _script;
    readonly bool _lmtp;
    readonly Lock _lock = new();
    readonly HashSet<Socket> _open = [];
    readonly List<string> _commands = [];
    readonly List<byte[]> _messages = [];
    readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _connections, _stalled, _dripping;

    public ScriptedPeer(EndPoint at, string script, bool lmtp = false)
    {
        (_script, _lmtp) = (new PeerScript(script), lmtp);
        _listener = new Socket(at.AddressFamily, SocketType.Stream, at is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp);
        _listener.Bind(at);
        if (_script.Setting("connect", "") == "refuse") return;
        _listener.Listen(100);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>True while a connection that is still open waits for an answer that will not come.</summary>
    public bool Stalled => Volatile.Read(ref _stalled) > 0;

    /// <summary>True while a connection gets an octet each time the clock moves.</summary>
    public bool Dripping => Volatile.Read(ref _dripping) > 0;

    public IReadOnlyList<string> Commands { get { lock (_lock) return [.. _commands]; } }
    public IReadOnlyList<byte[]> Messages { get { lock (_lock) return [.. _messages]; } }
    public string Message(int index) => Encoding.UTF8.GetString(Messages[index]);

    public static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(80));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    public X509Certificate2? Shown { get; init; }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                Interlocked.Increment(ref _connections);
                lock (_lock) _open.Add(socket);
                _ = Task.Run(() => ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    /// <summary>Closes every connection that is open now.</summary>
    public void DropAll()
    {
        lock (_lock)
            foreach (var socket in _open) socket.Dispose();
    }

    async Task ServeAsync(Socket socket)
    {
        try
        {
            await new Session(this, socket).RunAsync();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException or System.Security.Authentication.AuthenticationException) { }
        finally
        {
            lock (_lock) _open.Remove(socket);
            socket.Dispose();
        }
    }

    public void Close()
    {
        _end.TrySetResult();
        _listener.Dispose();
        DropAll();
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    sealed class Session(ScriptedPeer peer, Socket socket)
    {
        Stream _stream = new NetworkStream(socket);
        readonly byte[] _one = new byte[1];
        int _recipients;
        bool _tls;

        internal async Task RunAsync()
        {
            if (peer._script.Setting("implicit", "no") == "yes") await HandshakeAsync();
            if (!await AnswerAsync("banner", "220 peer.example ESMTP")) return;
            while (await LineAsync() is { } line)
            {
                lock (peer._lock) peer._commands.Add(line);
                if (!await CommandAsync(line)) return;
            }
        }

        async Task<bool> CommandAsync(string line)
        {
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO" or "LHLO": return await AnswerAsync("ehlo", Offer());
                case "HELO": return await AnswerAsync("helo", "250 peer.example");
                case "STARTTLS":
                    var injected = peer._script.Has("inject") ? "220 go\r\n250 injected" : "220 go";
                    if (!await AnswerAsync("starttls", injected)) return false;
                    if (!peer._script.Has("starttls") || _lastGood) await HandshakeAsync();
                    return true;
                case "AUTH": return await AnswerAsync("auth", "235 2.7.0 welcome");
                case "MAIL":
                    _recipients = 0;
                    return await AnswerAsync("mail", "250 2.1.0 ok");
                case "RCPT":
                    var alive = await AnswerAsync("rcpt", "250 2.1.5 ok");
                    if (_lastGood) _recipients++;
                    return alive;
                case "DATA":
                    if (_recipients == 0) return await SayAsync("503 5.5.1 nobody to take it");
                    if (!await AnswerAsync("data", "354 go on")) return false;
                    return !_lastGood || await TextAsync();
                case "BDAT":
                    var words = line.Split(' ');
                    var chunk = new byte[int.Parse(words[1])];
                    await _stream.ReadExactlyAsync(chunk);
                    if (words.Length < 3) return await SayAsync("250 2.0.0 more");
                    lock (peer._lock) peer._messages.Add(chunk);
                    return await EndAsync();
                case "RSET": return await AnswerAsync("rset", "250 2.0.0 ok");
                case "QUIT":
                    await SayAsync("221 2.0.0 bye");
                    return false;
                default: return await SayAsync("500 5.5.1 what");
            }
        }

        string Offer()
        {
            var words = peer._script.Setting("offer", "PIPELINING,8BITMIME,SMTPUTF8,DSN,SIZE,ENHANCEDSTATUSCODES").Split(',', StringSplitOptions.RemoveEmptyEntries).ToList();
            if (peer.Shown is not null && !_tls && !peer._script.Has("notls")) words.Add("STARTTLS");
            if (peer._script.Has("auth")) words.Add("AUTH PLAIN");
            words.Insert(0, "peer.example");
            return string.Join("\r\n", words.Select((w, i) => "250" + (i == words.Count - 1 ? " " : "-") + w));
        }

        async Task<bool> TextAsync()
        {
            if (peer._script.Next("text") is { } action)
            {
                await _stream.ReadExactlyAsync(new byte[16]);
                return await ActAsync(action);
            }
            var text = new List<byte>();
            for (var line = new List<byte>(); ;)
            {
                if (await _stream.ReadAsync(_one) == 0) return false;
                line.Add(_one[0]);
                if (_one[0] != '\n') continue;
                if (line is [(byte)'.', (byte)'\r', (byte)'\n']) break;
                text.AddRange(line[0] == '.' ? line[1..] : line);
                line.Clear();
            }
            lock (peer._lock) peer._messages.Add([.. text]);
            return await EndAsync();
        }

        async Task<bool> EndAsync()
        {
            for (var i = 0; i < (peer._lmtp ? _recipients : 1); i++)
                if (!await AnswerAsync("dot", "250 2.0.0 taken as 77")) return false;
            return true;
        }

        bool _lastGood;

        async Task<bool> AnswerAsync(string stage, string good)
        {
            var action = peer._script.Next(stage);
            _lastGood = action is null or ['2' or '3', ..];
            return await ActAsync(action ?? good);
        }

        async Task<bool> ActAsync(string action)
        {
            switch (action)
            {
                case "drop": return false;
                case "silent":
                    Interlocked.Increment(ref peer._stalled);
                    try { while (await _stream.ReadAsync(new byte[256]) > 0) { } }
                    finally { Interlocked.Decrement(ref peer._stalled); }
                    return false;
                case "drip":
                    Interlocked.Increment(ref peer._dripping);
                    try
                    {
                        foreach (var c in "220-" + new string('x', 2000)) await DripAsync((byte)c);
                    }
                    finally { Interlocked.Decrement(ref peer._dripping); }
                    return false;
                case "stuck": // does not read on, until the test is over
                    Interlocked.Increment(ref peer._stalled);
                    await peer._end.Task;
                    return false;
                case "garbage": return await SayAsync("\u0001\u0002 <html>what is this</html>");
                case "endless":
                    await _stream.WriteAsync(Encoding.ASCII.GetBytes("250 " + new string('y', 100_000) + "\r\n"));
                    return true;
                default: return await SayAsync(action);
            }
        }

        async Task DripAsync(byte c)
        {
            var at = peer.Clock();
            while (peer.Clock() == at)
            {
                if (socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0) throw new IOException("gone");
                await Task.Delay(1);
            }
            _one[0] = c;
            await _stream.WriteAsync(_one);
        }

        async Task<bool> SayAsync(string reply)
        {
            await _stream.WriteAsync(Encoding.Latin1.GetBytes(reply.Replace("~", "\r\n") + "\r\n"));
            if (!reply.StartsWith("421", StringComparison.Ordinal)) return true;
            // What came in the meantime is read, or the reset would overtake the reply.
            socket.Shutdown(SocketShutdown.Send);
            while (await _stream.ReadAsync(new byte[256]) > 0) { }
            return false;
        }

        async Task HandshakeAsync()
        {
            switch (peer._script.Next("tls"))
            {
                case "drop": throw new IOException("dropped");
                case "broken":
                    await _stream.ReadExactlyAsync(_one); // not before the client has begun: that is another case
                    await _stream.WriteAsync("HTTP/1.0 400 Bad Request\r\n\r\n"u8.ToArray());
                    throw new IOException("broken");
                case "silent":
                    await ActAsync("silent");
                    throw new IOException("silent");
            }
            var tls = new SslStream(_stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = peer.Shown });
            (_stream, _tls) = (tls, true);
        }

        async Task<string?> LineAsync()
        {
            var line = new List<byte>();
            while (await _stream.ReadAsync(_one) > 0)
            {
                if (_one[0] == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
                line.Add(_one[0]);
            }
            return null;
        }
    }

    /// <summary>The clock that drips are counted by.</summary>
    public Func<DateTimeOffset> Clock { get; init; } = static () => default;
}
