using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Tests.Interop.Peers;
using Posthorn.Tests.Testing.Running;
using Posthorn.Wire.Addresses;
using Posthorn.Wire.Connections;

namespace Posthorn.Tests.Interop;

/// <summary>Our SMTP client with servers of others: it arrives as it was sent.</summary>
public sealed class ClientPeers : IDisposable
{
    const string Text = "Subject: peers\r\n\r\nOne line.\r\n.\r\n..two dots\r\nThe end.\r\n";

    readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("posthorn-peers-");

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _place.Delete(recursive: true);

    [Theory]
    [InlineData(false, "")]
    [InlineData(false, "-p")] // no PIPELINING
    [InlineData(false, "-e")] // no ESMTP
    [InlineData(true, "")]
    public async Task Postfix_sink(bool lmtp, string option)
    {
        Assert.SkipWhen(Tool.Missing("smtp-sink") is not null, Tool.Missing("smtp-sink") ?? "");
        var port = FreePort();
        var dump = Path.Combine(_place.FullName, "dump");
        List<string> arguments = [$"127.0.0.1:{port}", "10"];
        if (option.Length > 0) arguments.Insert(0, option);
        arguments.InsertRange(0, lmtp ? ["-L", "-D", dump] : ["-D", dump]);
        if (Environment.IsPrivilegedProcess) arguments.InsertRange(0, ["-u", "root"]); // it wants to hear it; the dump is a file of root's
        using var sink = Start("smtp-sink", arguments);
        try
        {
            var (peer, outcomes) = await SendAsync(port, new SmtpClientSettings("client.example.test", new SmtpClientTls(false, false, false, false, null), Lmtp: lmtp), 3);
            Assert.Equal(option != "-e", peer.Extended);
            Assert.All(outcomes, o => Assert.True(o.Reusable && o.Recipients.All(r => r.Accepted)));
        }
        finally
        {
            sink.Kill();
            await sink.WaitForExitAsync(Ct);
        }
        // It writes down what came, dots undone, in Unix lines.
        Assert.Equal(3, File.ReadAllText(dump).Split(Text.Replace("\r\n", "\n")).Length - 1);
    }

    [Theory]
    [InlineData("pencil", true)]
    [InlineData("pencils", false)]
    public async Task Aiosmtpd_with_TLS_and_a_login(string password, bool good)
    {
        Assert.SkipWhen(Peer.Missing("aiosmtpd") is not null, Peer.Missing("aiosmtpd") ?? "");
        const string script = """
            import base64, ssl, sys, time
            from aiosmtpd.controller import Controller
            from aiosmtpd.smtp import AuthResult
            class Handler:
                async def handle_DATA(self, server, session, envelope):
                    print(envelope.mail_from, ','.join(envelope.rcpt_tos), base64.b64encode(envelope.original_content).decode(), flush=True)
                    return '250 2.0.0 taken'
            def check(server, session, envelope, mechanism, data):
                return AuthResult(success=data.login == b'user' and data.password == b'pencil', handled=False) # it is to answer by itself
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2])
            controller = Controller(Handler(), hostname='127.0.0.1', port=int(sys.argv[1]), tls_context=context, require_starttls=True,
                                    authenticator=check, auth_required=True, enable_SMTPUTF8=True)
            controller.start()
            time.sleep(600)
            """;
        var port = FreePort();
        var (pem, roots) = Certificate();
        using var server = Start(AiosmtpdRecipe.Python, ["-c", script, $"{port}", pem]);
        try
        {
            var settings = new SmtpClientSettings("client.example.test", new SmtpClientTls(true, true, true, false, "mx.example.test", roots), new SmtpClientLogin("user", password, null));
            if (!good)
            {
                var (_, failure) = await OpenAsync(port, settings);
                Assert.Equal((SmtpStage.Auth, 535), (failure!.Stage, failure.Reply!.Code));
                return;
            }
            var (peer, outcomes) = await SendAsync(port, settings, 2);
            Assert.EndsWith(", verified", peer.Tls, StringComparison.Ordinal);
            Assert.True(peer.LoggedIn);
            Assert.All(outcomes, o => Assert.True(o.Reusable && o.Recipients.All(r => r.Reply is { Code: 250, Enhanced: "2.0.0" })));
            for (var i = 0; i < 2; i++)
                Assert.Equal($"a@example.org b@example.test,c@example.test {Convert.ToBase64String(Encoding.ASCII.GetBytes(Text))}", await server.StandardOutput.ReadLineAsync(Ct));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(Ct);
        }
    }

    static Process Start(string program, List<string> arguments) =>
        Process.Start(new ProcessStartInfo(Tool.Find(program) ?? program, arguments) { RedirectStandardOutput = true })!;

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    static async Task<(SmtpClientSession? Session, SmtpFailure? Failure)> OpenAsync(int port, SmtpClientSettings settings)
    {
        for (var tries = 0; ; tries++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(Ports.Loopback(port), Ct);
                var connection = new Connection(new NetworkStream(socket, ownsSocket: true), socket.RemoteEndPoint!, socket.LocalEndPoint!,
                    () => socket.Shutdown(SocketShutdown.Receive), TimeProvider.System);
                return await SmtpClientSession.OpenAsync(connection, settings, Ct);
            }
            catch (SocketException) when (tries < 300)
            {
                socket.Dispose();
                await Task.Delay(100, Ct); // it is starting
            }
        }
    }

    static async Task<(SmtpPeer Peer, List<SmtpOutcome> Outcomes)> SendAsync(int port, SmtpClientSettings settings, int count)
    {
        var (session, failure) = await OpenAsync(port, settings);
        Assert.True(session is not null, failure?.Text);
        await using var open = session;
        var outcomes = new List<SmtpOutcome>();
        for (var i = 0; i < count; i++)
            outcomes.Add(await session.SendAsync(new SmtpOutgoing(EmailAddress.TryParse("a@example.org"),
                [new(EmailAddress.TryParse("b@example.test")!, null, null), new(EmailAddress.TryParse("c@example.test")!, null, null)],
                new Octets(Encoding.ASCII.GetBytes(Text)), BodyType.SevenBit, false, null, null), Ct));
        return (session.Peer, outcomes);
    }

    (string Pem, string Roots) Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx.example.test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("mx.example.test");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var roots = Path.Combine(_place.FullName, "roots.pem");
        File.WriteAllText(roots, certificate.ExportCertificatePem());
        var pem = Path.Combine(_place.FullName, "server.pem");
        File.WriteAllText(pem, key.ExportPkcs8PrivateKeyPem() + "\n" + certificate.ExportCertificatePem());
        return (pem, roots);
    }

    sealed class Octets(ReadOnlyMemory<byte> octets) : ISmtpContent
    {
        public long Length => octets.Length;

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct) => new(octets[(int)offset..]);
    }
}
