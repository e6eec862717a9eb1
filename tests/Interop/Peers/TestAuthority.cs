using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>A certificate authority for one test, for clients that want to be shown a chain to a root they know.</summary>
static class TestAuthority
{
    /// <summary>Writes cert.pem and key.pem for a host into a directory; the authority's own certificate in DER.</summary>
    public static byte[] Issue(string host, string directory)
    {
        var (from, to) = (DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=authority of a test", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        using var root = rootRequest.CreateSelfSigned(from, to);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // a TLS server
        using var certificate = request.Create(root, from, to, RandomNumberGenerator.GetBytes(8));
        PeerCertificate.Write(directory, certificate, key);
        return root.RawData;
    }
}
