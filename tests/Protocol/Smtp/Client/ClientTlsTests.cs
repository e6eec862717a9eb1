using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Smtp.Client;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>TLS of our client with real handshakes: which certificates do, which do not, and what is said about them.</summary>
public sealed class ClientTlsTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    readonly X509Certificate2 _root = Root("CN=Test Root");
    readonly string _roots = Path.GetTempFileName();

    public ClientTlsTests() => File.WriteAllText(_roots, _root.ExportCertificatePem());

    public void Dispose() => File.Delete(_roots);

    static X509Certificate2 Root(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(Now.AddYears(-2), Now.AddYears(2));
    }

    static X509Certificate2 Leaf(X509Certificate2? issuer, string[] names, int fromDay = -10, int toDay = 10, string cn = "leaf")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + cn, key, HashAlgorithmName.SHA256);
        if (names.Length > 0)
        {
            var alternative = new SubjectAlternativeNameBuilder();
            foreach (var name in names) alternative.AddDnsName(name);
            request.CertificateExtensions.Add(alternative.Build());
        }
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        if (issuer is null) return request.CreateSelfSigned(Now.AddDays(fromDay), Now.AddDays(toDay));
        using var signed = request.Create(issuer, Now.AddDays(fromDay), Now.AddDays(toDay), RandomNumberGenerator.GetBytes(8));
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }

    /// <summary>A server that does STARTTLS, or TLS at once; returns what it heard after the handshake and the name asked for.</summary>
    static async Task<(string? Sni, string Heard)> ServeAsync(Stream stream, X509Certificate2 certificate, bool implicitTls, SslProtocols protocols)
    {
        if (!implicitTls)
        {
            await stream.WriteAsync("220 mx\r\n"u8.ToArray());
            await ReadLineAsync(stream);
            await stream.WriteAsync("250-mx\r\n250-AUTH PLAIN\r\n250-SIZE 7\r\n250 STARTTLS\r\n"u8.ToArray());
            if (await ReadLineAsync(stream) != "STARTTLS") return (null, "no STARTTLS");
            await stream.WriteAsync("220 go\r\n"u8.ToArray());
        }
        string? sni = null;
        await using var tls = new SslStream(stream);
        try
        {
            await tls.AuthenticateAsServerAsync((_, hello, _, _) =>
            {
                sni = hello.ServerName;
                return ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = protocols });
            }, null);
            if (implicitTls) await tls.WriteAsync("220 mx\r\n"u8.ToArray());
            var heard = await ReadLineAsync(tls);
            await tls.WriteAsync("250-mx\r\n250 DSN\r\n"u8.ToArray());
            await ReadLineAsync(tls);
            return (sni, heard);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return (sni, "no handshake");
        }
    }

    static async Task<string> ReadLineAsync(Stream stream)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one) == 1 && one[0] != '\n') line.Add(one[0]);
        return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
    }

    static SmtpClientSettings With(SmtpClientTls tls) => new("client.example.test", tls);

    SmtpClientTls Verified(string? name = "mx.example.test") => new(true, true, true, false, name, _roots);

    static async Task<(SmtpPeer? Peer, SmtpFailure? Failure, string? Sni, string Heard)> OpenAsync(SmtpClientTls settings, X509Certificate2 certificate, SslProtocols protocols = SslProtocols.None)
    {
        await using var pair = await SocketPair.ConnectAsync();
        var serving = ServeAsync(pair.Far, certificate, settings.Implicit, protocols);
        var (session, failure) = await SmtpClientSession.OpenAsync(pair.Near, With(settings), CancellationToken.None).AsTask().WaitAsync(Patience);
        var peer = session?.Peer;
        if (session is not null) session.IsAlive().ShouldBeTrue();
        pair.Near.Abort();
        var (sni, heard) = await serving.WaitAsync(Patience);
        return (peer, failure, sni, heard);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLS1.2")]
    [InlineData(SslProtocols.Tls13, "TLS1.3")]
    public async Task Any_certificate_does_where_none_is_asked_for(SslProtocols protocol, string name)
    {
        using var certificate = Leaf(null, ["elsewhere.test"], -20, -10);
        var (peer, failure, sni, heard) = await OpenAsync(new(true, false, false, false, "mx.example.test"), certificate, protocol);
        failure.ShouldBeNull();
        peer!.Tls.ShouldStartWith(name + " TLS_");
        peer.Tls!.ShouldNotContain("verified");
        sni.ShouldBe("mx.example.test");
        heard.ShouldBe("EHLO client.example.test");
        // RFC 3207 §4.2: nothing that was offered in clear is left
        peer.AuthMechanisms.ShouldBeEmpty();
        peer.Size.ShouldBeNull();
        peer.StartTls.ShouldBeFalse();
        peer.Dsn.ShouldBeTrue();
    }

    [Theory]
    [InlineData("mx.example.test")]
    [InlineData("*.example.test")]
    public async Task A_certificate_of_the_name_and_a_trusted_root_is_verified(string name)
    {
        using var certificate = Leaf(_root, ["other.test", name]);
        var (peer, failure, _, _) = await OpenAsync(Verified(), certificate);
        failure.ShouldBeNull();
        peer!.Tls.ShouldEndWith(", verified");
    }

    [Fact]
    public async Task TLS_before_the_greeting()
    {
        using var certificate = Leaf(_root, ["mx.example.test"]);
        var (peer, failure, _, heard) = await OpenAsync(Verified() with { Implicit = true }, certificate);
        failure.ShouldBeNull();
        peer!.Tls.ShouldEndWith(", verified");
        heard.ShouldBe("EHLO client.example.test");
    }

    async Task RefusedAsync(X509Certificate2 certificate, string why, SmtpClientTls? settings = null)
    {
        using (certificate)
        {
            var (_, failure, _, heard) = await OpenAsync(settings ?? Verified(), certificate);
            failure!.Kind.ShouldBe(SmtpFailureKind.Certificate);
            failure.Stage.ShouldBe(SmtpStage.Handshake);
            failure.Text.ShouldContain(why);
            heard.ShouldNotStartWith("EHLO");
        }
    }

    [Fact]
    public Task The_wrong_name() => RefusedAsync(Leaf(_root, ["a.example", "b.example"]), "the certificate is for a.example, b.example, not mx.example.test");

    [Fact]
    public Task A_wildcard_is_for_one_label() => RefusedAsync(Leaf(_root, ["*.test"]), "the certificate is for *.test, not mx.example.test");

    /// <summary>RFC 9525 §2: the common name is no name.</summary>
    [Fact]
    public Task The_name_in_the_wrong_place() => RefusedAsync(Leaf(_root, [], cn: "mx.example.test"), "the certificate is for no name, not mx.example.test");

    [Fact]
    public Task Expired() => RefusedAsync(Leaf(_root, ["mx.example.test"], -20, -10), $"the certificate expired on {Now.AddDays(-10):yyyy-MM-dd}");

    [Fact]
    public Task Not_valid_yet() => RefusedAsync(Leaf(_root, ["mx.example.test"], 10, 20), $"the certificate is not valid before {Now.AddDays(10):yyyy-MM-dd}");

    [Fact]
    public Task Self_signed() => RefusedAsync(Leaf(null, ["mx.example.test"]), "the certificate is self-signed");

    [Fact]
    public async Task Of_an_unknown_root()
    {
        using var other = Root("CN=Other Root");
        await RefusedAsync(Leaf(other, ["mx.example.test"]), "the certificate of CN=Other Root leads to no root that is trusted");
    }

    [Fact]
    public Task Not_of_the_system_roots() => RefusedAsync(Leaf(_root, ["mx.example.test"]), "leads to no root that is trusted", Verified() with { Roots = null });

    [Fact]
    public Task No_name_to_check_against() => RefusedAsync(Leaf(_root, ["mx.example.test"]), "there is no name", Verified(null));

    [Fact]
    public Task Roots_that_are_not_there() => RefusedAsync(Leaf(_root, ["mx.example.test"]), "cannot be read from /nowhere/roots.pem", Verified() with { Roots = "/nowhere/roots.pem" });

    [Fact]
    public async Task An_old_protocol_is_no_TLS()
    {
        using var certificate = Leaf(_root, ["mx.example.test"]);
#pragma warning disable CS0618, SYSLIB0039 // what our client must not speak
        var (_, failure, _, _) = await OpenAsync(new(true, false, false, false, "mx.example.test"), certificate, SslProtocols.Tls11);
#pragma warning restore CS0618, SYSLIB0039
        failure!.Kind.ShouldBe(SmtpFailureKind.Tls);
        failure.Stage.ShouldBe(SmtpStage.Handshake);
    }

    /// <summary>Threat table: what comes in clear behind the 220 is never taken for an answer under TLS.</summary>
    [Theory]
    [InlineData("220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n", "", SmtpFailureKind.Garbage)]
    [InlineData("220 go\r\n2", "", SmtpFailureKind.Garbage)]
    [InlineData("220 go\r\n", "250-mx\r\n250 AUTH PLAIN\r\n", SmtpFailureKind.Tls)]
    [InlineData("220 go\r\n", "\x15\x03\x01", SmtpFailureKind.Tls)]
    public async Task STARTTLS_response_injection(string first, string later, SmtpFailureKind kind)
    {
        await using var pair = await SocketPair.ConnectAsync();
        await pair.Far.WriteAsync("220 mx\r\n250-mx\r\n250 STARTTLS\r\n"u8.ToArray());
        var opening = SmtpClientSession.OpenAsync(pair.Near, With(new(true, false, false, false, "mx.example.test")), CancellationToken.None).AsTask();
        await ReadLineAsync(pair.Far);
        (await ReadLineAsync(pair.Far)).ShouldBe("STARTTLS");
        await pair.Far.WriteAsync(Encoding.Latin1.GetBytes(first));
        if (later.Length > 0)
        {
            await pair.Far.ReadExactlyAsync(new byte[5]); // the client's hello has begun
            await pair.Far.WriteAsync(Encoding.Latin1.GetBytes(later));
            pair.Far.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
        var (session, failure) = await opening.WaitAsync(Patience);
        session.ShouldBeNull();
        failure!.Kind.ShouldBe(kind);
        failure.Text.ShouldNotContain("\n");
        // and nothing more in clear
        using var rest = new MemoryStream();
        await pair.Far.CopyToAsync(rest).WaitAsync(Patience);
        Encoding.ASCII.GetString(rest.ToArray()).ShouldNotContain("EHLO");
    }
}
