using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Tls.Certificates;

/// <summary>The certificate of a server that was given none: kept, so that clients that have accepted it once stay content.</summary>
static class SelfSigned
{
    static readonly TimeSpan Lifetime = TimeSpan.FromDays(730), RenewBefore = TimeSpan.FromDays(30);

    /// <summary>Loads the one in <paramref name="directory"/>, or makes it anew when it is missing, unusable, old or for another host.</summary>
    public static CertificateEntry LoadOrMake(string directory, string hostname, TimeProvider time)
    {
        var files = new CertificateFiles(Path.Combine(directory, "self-signed.pem"), Path.Combine(directory, "self-signed.key"), []);
        if (File.Exists(files.Certificate) && File.Exists(files.Key))
        {
            try
            {
                var kept = CertificateEntry.Load(files);
                if (kept.Names.Contains(hostname.ToLowerInvariant()) && kept.Leaf.NotAfter.ToUniversalTime() - RenewBefore > time.GetUtcNow().UtcDateTime) return kept;
            }
            catch (CertificateException) { } // made anew below
        }
        Make(files, directory, hostname, time.GetUtcNow());
        return CertificateEntry.Load(files);
    }

    static void Make(CertificateFiles files, string directory, string hostname, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(hostname);
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostname);
        if (!hostname.Equals("localhost", StringComparison.OrdinalIgnoreCase)) names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var made = request.CreateSelfSigned(now - TimeSpan.FromHours(1), now + Lifetime);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Write(files.Key, key.ExportPkcs8PrivateKeyPem());
        Write(files.Certificate, made.ExportCertificatePem());
    }

    static void Write(string file, string text)
    {
        File.Delete(file); // a mode is only given to a new file
        using var stream = new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text + "\n"));
    }
}
