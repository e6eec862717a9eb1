using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Tls.Certificates;

/// <summary>
/// TLS as one listener offers it: 1.2 and 1.3, on 1.2 only ECDHE with AEAD, no renegotiation. The contexts are the
/// listener's own, so that a session ticket of one service opens no session at another.
/// </summary>
public sealed class ListenerTls
{
    static readonly CipherSuitesPolicy Suites = new(
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]);

    readonly CertificateStore _store;
    readonly List<SslApplicationProtocol> _protocols;
    readonly Lock _lock = new();
    volatile Prepared? _prepared;

    /// <summary>The options for each certificate of one state of the store.</summary>
    sealed record Prepared(IReadOnlyList<CertificateEntry> Entries, IReadOnlyList<SslServerAuthenticationOptions> Options);

    internal ListenerTls(CertificateStore store, List<SslApplicationProtocol> protocols) => (_store, _protocols) = (store, protocols);

    /// <summary>The options for a client that asked for <paramref name="serverName"/> (null: it named none).</summary>
    public SslServerAuthenticationOptions Options(string? serverName)
    {
        var prepared = Current();
        return prepared.Options[CertificateStore.Pick(prepared.Entries, serverName)];
    }

    /// <summary>True when the certificate depends on the name the client asks for.</summary>
    public bool DependsOnName => Current().Entries.Count > 1;

    /// <summary>The certificate shown to clients that name no host.</summary>
    public X509Certificate2 Leaf => Current().Entries[0].Leaf;

    Prepared Current()
    {
        var entries = _store.Entries;
        if (_prepared is { } ready && ReferenceEquals(ready.Entries, entries)) return ready;
        lock (_lock)
        {
            if (_prepared is { } made && ReferenceEquals(made.Entries, entries)) return made;
            return _prepared = new(entries, [.. entries.Select(Prepare)]);
        }
    }

    SslServerAuthenticationOptions Prepare(CertificateEntry entry) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(entry.Leaf, entry.Chain, offline: true),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        CipherSuitesPolicy = Suites,
        AllowRenegotiation = false,
        ClientCertificateRequired = false,
        // A client that offers only protocols of others is a browser led here (ALPACA): OpenSSL answers with a fatal alert.
        ApplicationProtocols = _protocols,
    };
}
