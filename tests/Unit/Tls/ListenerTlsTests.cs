using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Tls.Certificates;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Tls;

public sealed class ListenerTlsTests : IDisposable
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-tls-");
    readonly CertificateStore _store;

    public ListenerTlsTests()
    {
        _store = new CertificateStore(Path.Combine(_home.FullName, "tls"), "mail.example.test", TimeProvider.System, NullLogger.Instance);
        _store.Load([]);
    }

    public void Dispose() => _home.Delete(recursive: true);

    /// <summary>One handshake over loopback; null when it fails.</summary>
    static async Task<SslStream?> HandshakeAsync(ListenerTls tls, Action<SslClientAuthenticationOptions> change)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = Task.Run(async () =>
        {
            using var socket = await listener.AcceptTcpClientAsync();
            await using var stream = new SslStream(socket.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(tls.Options(null));
                await stream.WriteAsync("ok"u8.ToArray());
                await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
            }
            catch (Exception e) when (e is AuthenticationException or IOException) { }
        });
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var secure = new SslStream(client.GetStream());
#pragma warning disable CA5359 // the certificate is not what is tested
        var options = new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = static (_, _, _, _) => true };
#pragma warning restore CA5359
        change(options);
        try
        {
            await secure.AuthenticateAsClientAsync(options);
            (await secure.ReadAtLeastAsync(new byte[2], 2, throwOnEndOfStream: false)).ShouldBe(2);
            return secure;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or ShouldAssertException)
        {
            await secure.DisposeAsync();
            await server;
            return null;
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task TLS_1_2_and_1_3_are_spoken_with_forward_secrecy_and_AEAD(SslProtocols version)
    {
        await using var stream = await HandshakeAsync(_store.ForListener("pop3"), o => o.EnabledSslProtocols = version);

        stream.ShouldNotBeNull().SslProtocol.ShouldBe(version);
        stream.NegotiatedCipherSuite.ToString().ShouldMatch(version == SslProtocols.Tls13 ? "^TLS_(AES|CHACHA20)_" : "^TLS_ECDHE_.*(GCM|POLY1305)");
    }

    [Theory]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)]
    [InlineData(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384)]
    public async Task On_TLS_1_2_nothing_but_AEAD_is_taken(TlsCipherSuite suite) =>
        (await HandshakeAsync(_store.ForListener("pop3"), o =>
        {
            o.EnabledSslProtocols = SslProtocols.Tls12;
            o.CipherSuitesPolicy = new CipherSuitesPolicy([suite]);
        })).ShouldBeNull();

    [Theory]
    [InlineData("pop3", "http/1.1", false)]
    [InlineData("pop3", "h2", false)]
    [InlineData("smtp", "http/1.1", false)]
    [InlineData("smtp", "imap", false)]
    [InlineData("pop3", "pop3", true)]
    [InlineData("smtp", null, true)]
    public async Task Cross_protocol_ALPACA(string ours, string? offered, bool passes)
    {
        await using var stream = await HandshakeAsync(_store.ForListener(ours), o =>
        {
            if (offered is not null) o.ApplicationProtocols = [new SslApplicationProtocol(offered)];
        });
        (stream is not null).ShouldBe(passes);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task Session_tickets_across_services(string version)
    {
        if (!File.Exists("/usr/bin/openssl")) Assert.Skip("needs /usr/bin/openssl");
        var session = Path.Combine(_home.FullName, "session.pem");
        var (smtp, pop3) = (_store.ForListener("smtp"), _store.ForListener("pop3"));

        (await OpenSslAsync(smtp, $"{version} -sess_out {session}")).ShouldContain("+OK");
        if (!File.Exists(session)) return; // no ticket was given out: there is nothing to misuse
        var other = await OpenSslAsync(pop3, $"{version} -sess_in {session}");

        other.ShouldContain("New, TLS");
        other.ShouldNotContain("Reused, TLS");
    }

    /// <summary>Connects with s_client, which tells whether the session was a resumed one.</summary>
    static async Task<string> OpenSslAsync(ListenerTls tls, string arguments)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = Task.Run(async () =>
        {
            using var socket = await listener.AcceptTcpClientAsync();
            await using var stream = new SslStream(socket.GetStream());
            await stream.AuthenticateAsServerAsync(tls.Options(null));
            // s_client ends when the server does.
            await stream.WriteAsync("+OK\r\n"u8.ToArray());
            await stream.ShutdownAsync();
            await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
        });
        using var client = Process.Start(new ProcessStartInfo("/usr/bin/openssl", $"s_client -connect {listener.LocalEndpoint} {arguments}")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _ = client.StandardError.ReadToEndAsync();
        var text = await client.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await client.WaitForExitAsync();
        await server.WaitAsync(TimeSpan.FromSeconds(30));
        return text;
    }
}
