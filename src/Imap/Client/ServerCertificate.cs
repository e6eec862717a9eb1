using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Imap.Client;

/// <summary>Checks the certificate that a server shows: it has to be for the name that was asked for, and lead to a root that is trusted.</summary>
sealed class ServerCertificate(ImapServerAddress to)
{
    /// <summary>What is wrong with it; null when nothing is.</summary>
    internal string? Problem { get; private set; }

    internal SslClientAuthenticationOptions Options()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (to.Roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(to.Roots);
        }
        return new SslClientAuthenticationOptions
        {
            TargetHost = to.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13, // RFC 8996
            CertificateChainPolicy = policy,
            AllowRenegotiation = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                Problem = errors switch
                {
                    SslPolicyErrors.None => null,
                    _ when certificate is null => "the server showed no certificate",
                    _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) =>
                        "its certificate is not trusted: " + string.Join(", ", (chain?.ChainStatus ?? []).Select(static s => Words(s.Status)).Distinct()),
                    _ => $"its certificate is for another name than {to.Host}",
                };
                return Problem is null || to.AnyCertificate;
            },
        };
    }

    static string Words(X509ChainStatusFlags status) => status switch
    {
        X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot => "it comes from an authority that is not known here",
        X509ChainStatusFlags.NotTimeValid => "it has expired, or is not valid yet",
        X509ChainStatusFlags.NotSignatureValid => "its signature is wrong",
        _ => status.ToString(),
    };
}
