using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Smtp.Client;

/// <summary>
/// Looks at the certificate a server shows and says in plain words what is wrong with it. Nothing is asked of the network:
/// neither revocation nor missing links of the chain.
/// </summary>
/// <param name="name">The name it must be for (RFC 9525: by its alternative names only), or an address; null where there is none.</param>
/// <param name="roots">The roots to trust; null for the system's.</param>
/// <param name="mustFit">False where any certificate will do: encryption against listeners, no proof of who it is (RFC 7435).</param>
sealed class PeerCertificate(string? name, X509Certificate2Collection? roots, bool mustFit)
{
    /// <summary>What is wrong; null when nothing is, and before the handshake.</summary>
    internal string? Problem { get; private set; }

    /// <summary>True once a certificate has been seen.</summary>
    internal bool Seen { get; private set; }

    internal SslClientAuthenticationOptions Options()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(roots);
        }
        return new SslClientAuthenticationOptions
        {
            TargetHost = name ?? "",
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13, // RFC 8996
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = Accepts,
            AllowRenegotiation = false,
        };
    }

    bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        Seen = true;
        Problem = certificate is X509Certificate2 shown ? ProblemOf(shown, chain, errors) : "the server showed no certificate";
        return Problem is null || !mustFit;
    }

    string? ProblemOf(X509Certificate2 shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)) return ChainProblem(shown, chain);
        if (name is null) return "there is no name that the certificate could be checked against";
        return shown.MatchesHostname(name, allowWildcards: true, allowCommonName: false) ? null : $"the certificate is for {NamesOf(shown)}, not {name}";
    }

    static string ChainProblem(X509Certificate2 shown, X509Chain? chain)
    {
        var flags = X509ChainStatusFlags.NoError;
        foreach (var status in chain?.ChainStatus ?? []) flags |= status.Status;
        if (flags.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            var late = chain!.ChainElements.FirstOrDefault(e => e.ChainElementStatus.Any(s => s.Status == X509ChainStatusFlags.NotTimeValid))?.Certificate ?? shown;
            return late.NotBefore > chain.ChainPolicy.VerificationTime
                ? $"the certificate is not valid before {late.NotBefore.ToUniversalTime():yyyy-MM-dd}"
                : $"the certificate expired on {late.NotAfter.ToUniversalTime():yyyy-MM-dd}";
        }
        if (flags.HasFlag(X509ChainStatusFlags.UntrustedRoot) || flags.HasFlag(X509ChainStatusFlags.PartialChain))
            return shown.SubjectName.RawData.AsSpan().SequenceEqual(shown.IssuerName.RawData)
                ? "the certificate is self-signed"
                : $"the certificate of {CleanText.Of(shown.Issuer)} leads to no root that is trusted";
        return $"the certificate is not valid ({flags})";
    }

    static string NamesOf(X509Certificate2 shown)
    {
        var names = shown.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).Take(3).ToList();
        return names.Count > 0 ? CleanText.Of(string.Join(", ", names)) : "no name";
    }
}
