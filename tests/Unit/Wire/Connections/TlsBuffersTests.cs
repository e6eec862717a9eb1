using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Posthorn.Tests.Testing.Transport;
using Posthorn.Wire.Connections;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Wire;

/// <summary>TLS connections whose buffers come and go; how much memory that saves bench/ shows.</summary>
public class TlsBuffersTests
{
    [Fact]
    public async Task Connections_work_as_before()
    {
        TlsBuffers.ReleaseWhenIdle().ShouldBe(SafeEvpPKeyHandle.OpenSslVersion >= 0x30000000);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=mail.example.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        using var shown = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        await using var transport = new MemoryTransport(TimeProvider.System, null, "127.0.0.1");
        var server = transport.Server;
        var upgraded = server.UpgradeToTlsAsync(new SslServerAuthenticationOptions { ServerCertificate = shown }, TimeSpan.FromSeconds(30)).AsTask();
        await using var client = new SslStream(transport.Client);
        await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "mail.example.test", RemoteCertificateValidationCallback = static (_, _, _, _) => true });
        (await upgraded).ShouldBeTrue();
        // One octet, a record, more than a record, and a pause before each: both buffers go and come back.
        foreach (var size in (int[])[1, 16_384, 1, 100_000, 5])
        {
            var octets = RandomNumberGenerator.GetBytes(size);
            var sent = client.WriteAsync(octets).AsTask();
            while (server.Buffered.Length < size) (await server.FillAsync(TimeSpan.FromSeconds(30))).ShouldBe(LineStatus.Line);
            await sent;
            server.Buffered.ToArray().ShouldBe(octets);
            server.Write(server.Buffered.Span);
            server.Consume(size);
            var answered = server.FlushAsync().AsTask();
            var back = new byte[size];
            await client.ReadExactlyAsync(back);
            await answered;
            back.ShouldBe(octets);
        }
    }
}
