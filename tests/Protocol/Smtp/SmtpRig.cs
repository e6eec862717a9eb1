using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Tests.Protocol.Smtp;

/// <summary>A server with a fake backend, and ways to talk to it.</summary>
sealed class SmtpRig
{
    static readonly X509Certificate2 Certificate = MakeCertificate();

    public FakeBackend Backend { get; } = new();
    public Users Accounts { get; } = new();
    public LogLines Log { get; } = new();
    public SmtpService Service { get; init; } = SmtpService.Relay;
    public bool Tls { get; init; } = true;
    public bool PlaintextLogin { get; init; }
    public bool XClient { get; init; }
    public string Client { get; init; } = "192.0.2.1";
    public Func<IPAddress, bool> Trusted { get; init; } = a => IPAddress.IsLoopback(a);
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public SmtpServerOptions Options { get; init; } = new()
    {
        Hostname = "foo.com",
        MaxMessageSize = 1_000_000,
        PenaltyStep = TimeSpan.Zero,
    };

    SmtpServer? _server;

    public Task ServeAsync(Connection connection) => (_server ??= new SmtpServer(Options, Backend, Accounts, Time, Log)).RunAsync(connection, new SmtpListenerSettings
    {
        Service = Service,
        Tls = Tls ? () => new SslServerAuthenticationOptions { ServerCertificate = Certificate } : null,
        PlaintextLogin = PlaintextLogin,
        Trusted = Trusted,
        XClient = XClient,
    }, CancellationToken.None);

    /// <summary>Sends segments one after the other without listening, closes, and returns all that the server said.</summary>
    public async Task<string> SayAsync(params byte[][] segments)
    {
        await using var transport = new MemoryTransport(Time, client: Client);
        var running = ServeAsync(transport.Server);
        foreach (var segment in segments)
        {
            try { await transport.SendAsync(segment); }
            catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException) { break; }
        }
        transport.FinishSending();
        await running.WaitAsync(TimeSpan.FromSeconds(30));
        await transport.Server.DisposeAsync();
        using var said = new MemoryStream();
        await transport.Client.CopyToAsync(said);
        return Encoding.UTF8.GetString(said.ToArray());
    }

    public Task<string> SayAsync(string text) => SayAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>A conversation that waits for each reply.</summary>
    public SmtpTalk Talk(DeadlineWatch? watch = null) => new(this, new MemoryTransport(Time, watch, client: Client));

    static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=foo.com", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public sealed class Users : IAuthenticator
    {
        public LoginOutcome? Force { get; set; }
        public List<LoginContext> Contexts { get; } = [];

        public ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct)
        {
            Contexts.Add(context);
            if (user == "fault") throw new InvalidOperationException("planted");
            if (Force is { } forced) return new(new LoginResult(forced));
            return new(user is "test" or "tim" or "test@example.test" && Encoding.UTF8.GetString(password.Span) is "1234" or "tanstaaftanstaaf"
                ? new LoginResult(LoginOutcome.Accepted, new Principal(1, "test@example.test", mechanism, "password"))
                : new LoginResult(LoginOutcome.Rejected));
        }

        public ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct)
        {
            var keys = Keys("pencil");
            return new(new ScramCredentials(Salt, 4096, user == "user" ? [(1, keys.StoredKey, keys.ServerKey)] : []));
        }

        public ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct) =>
            new(credentialId is 1 ? new LoginResult(LoginOutcome.Accepted, new Principal(2, "user@example.test", mechanism, "app-password:1")) : new LoginResult(LoginOutcome.Rejected));

        static readonly byte[] Salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");

        public static (byte[] ClientKey, byte[] StoredKey, byte[] ServerKey) Keys(string password)
        {
            var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), Salt, 4096, HashAlgorithmName.SHA256, 32);
            var client = HMACSHA256.HashData(salted, "Client Key"u8);
            return (client, SHA256.HashData(client), HMACSHA256.HashData(salted, "Server Key"u8));
        }
    }

    public sealed class LogLines : ILogger
    {
        readonly List<string> _lines = [];
        public string[] Lines { get { lock (_lines) return [.. _lines]; } }
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines) _lines.Add($"{logLevel} {formatter(state, exception)} {exception?.Message}");
        }
    }
}

/// <summary>A client that sends and waits.</summary>
sealed class SmtpTalk : IAsyncDisposable
{
    readonly List<byte> _buffer = [];
    readonly byte[] _chunk = new byte[4096];
    Stream _stream;

    public SmtpTalk(SmtpRig rig, MemoryTransport transport)
    {
        Transport = transport;
        _stream = transport.Client;
        Running = Task.Run(async () =>
        {
            try { await rig.ServeAsync(transport.Server); }
            finally { await transport.Server.DisposeAsync(); }
        });
    }

    public MemoryTransport Transport { get; }
    public Task Running { get; }

    public async Task SendAsync(string text)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(text));
        await _stream.FlushAsync();
    }

    /// <summary>Sends a command and reads its whole reply, lines joined by LF; empty when the server closed.</summary>
    public async Task<string> AskAsync(string command)
    {
        await SendAsync(command + "\r\n");
        return await ReplyAsync();
    }

    public async Task<string> ReplyAsync()
    {
        var reply = new List<string>();
        while (await LineAsync() is { } line)
        {
            reply.Add(line);
            if (line.Length < 4 || line[3] != '-') break;
        }
        return string.Join('\n', reply);
    }

    public async Task<string?> LineAsync()
    {
        while (true)
        {
            var at = _buffer.IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = Encoding.UTF8.GetString(_buffer.GetRange(0, at).ToArray());
                _buffer.RemoveRange(0, at + 1);
                return line.TrimEnd('\r');
            }
            int n;
            try { n = await _stream.ReadAsync(_chunk).AsTask().WaitAsync(TimeSpan.FromSeconds(30)); }
            catch (IOException) { return null; }
            if (n == 0) return null;
            _buffer.AddRange(_chunk.AsSpan(0, n));
        }
    }

    public async Task<SslStream> StartTlsAsync()
    {
        var tls = new SslStream(_stream, leaveInnerStreamOpen: true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "foo.com", RemoteCertificateValidationCallback = (_, _, _, _) => true });
        _stream = tls;
        return tls;
    }

    public async ValueTask DisposeAsync()
    {
        Transport.FinishSending();
        await Running.WaitAsync(TimeSpan.FromSeconds(30));
        await Transport.DisposeAsync();
    }
}
