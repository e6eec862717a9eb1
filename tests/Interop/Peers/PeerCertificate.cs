using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>Self-signed certificates for the servers of tests.</summary>
static class PeerCertificate
{
    /// <summary>Writes cert.pem and key.pem into a directory.</summary>
    public static void Write(string host, string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        Write(directory, certificate, key);
    }

    /// <summary>Writes cert.pem and key.pem, the key readable for nobody else.</summary>
    public static void Write(string directory, X509Certificate2 certificate, ECDsa key)
    {
        File.WriteAllText(Path.Combine(directory, "cert.pem"), certificate.ExportCertificatePem() + "\n");
        var secret = Path.Combine(directory, "key.pem");
        File.WriteAllText(secret, key.ExportPkcs8PrivateKeyPem() + "\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
