using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Tls.Certificates;

/// <summary>A loaded certificate with its key, its chain and the names it answers to.</summary>
sealed record CertificateEntry(X509Certificate2 Leaf, X509Certificate2Collection Chain, IReadOnlyList<string> Names)
{
    /// <summary>Reads the two files; throws <see cref="CertificateException"/>.</summary>
    public static CertificateEntry Load(CertificateFiles files)
    {
        var keyText = ReadText(files.Key);
        RefuseOpenKey(files.Key);
        var chain = new X509Certificate2Collection();
        X509Certificate2 leaf;
        try { chain.ImportFromPem(ReadText(files.Certificate)); }
        catch (CryptographicException e) { throw new CertificateException(files.Certificate, "is not a PEM certificate", e); }
        if (chain.Count == 0) throw new CertificateException(files.Certificate, "holds no PEM certificate");
        var bare = chain[0];
        try { leaf = WithKey(bare, keyText); }
        catch (Exception e) when (e is CryptographicException or ArgumentException) { throw new CertificateException(files.Key, "is not the private key of the certificate", e); }
        chain.RemoveAt(0);
        return new CertificateEntry(leaf, chain, files.Hosts.Count > 0 ? [.. files.Hosts.Select(h => h.ToLowerInvariant())] : NamesOf(leaf));
    }

    static string ReadText(string file)
    {
        try { return File.ReadAllText(file); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new CertificateException(file, "cannot be read: " + e.Message, e); }
    }

    /// <summary>A key that everybody may read is no secret any more; a group (as Debian's ssl-cert) may.</summary>
    static void RefuseOpenKey(string file)
    {
        const UnixFileMode open = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.GroupWrite;
        if ((File.GetUnixFileMode(file) & open) != 0) throw new CertificateException(file, "can be read or changed by others; set its mode to 0600");
    }

    static X509Certificate2 WithKey(X509Certificate2 certificate, string pem)
    {
        if (certificate.GetECDsaPublicKey() is { } ecPublic)
        {
            using var publicKey = ecPublic;
            using var key = ECDsa.Create();
            key.ImportFromPem(pem);
            return certificate.CopyWithPrivateKey(key);
        }
        using var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        return certificate.CopyWithPrivateKey(rsa);
    }

    /// <summary>The DNS names of the subject alternative names, in lower case (RFC 9525 §2: the common name counts for nothing).</summary>
    static List<string> NamesOf(X509Certificate2 leaf) =>
        [.. leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).Select(n => n.ToLowerInvariant())];

    /// <summary>True when the name is one of ours, exactly, or by a wildcard for its first label (RFC 9525 §6.3).</summary>
    public bool Covers(string name, bool wildcard)
    {
        foreach (var own in Names)
        {
            if (!own.StartsWith("*.", StringComparison.Ordinal))
            {
                if (!wildcard && own == name) return true;
            }
            else if (wildcard && name.IndexOf('.') is > 0 and var dot && name.AsSpan(dot).SequenceEqual(own.AsSpan(1))) return true;
        }
        return false;
    }
}
