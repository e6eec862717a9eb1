using System.Net.Security;
using Microsoft.Extensions.Logging;

namespace Posthorn.Tls.Certificates;

/// <summary>The certificates of the server. Thread-safe; <see cref="Load"/> replaces all of them at once, running sessions keep theirs.</summary>
public sealed partial class CertificateStore(string directory, string hostname, TimeProvider time, ILogger log)
{
    volatile IReadOnlyList<CertificateEntry> _entries = [];

    /// <summary>
    /// Loads the configured certificates; none configured: a self-signed one from (or made in) the directory. Throws
    /// <see cref="CertificateException"/> and changes nothing when one cannot be used.
    /// </summary>
    public void Load(IReadOnlyList<CertificateFiles> configured)
    {
        if (configured.Count == 0)
        {
            _entries = [SelfSigned.LoadOrMake(directory, hostname, time)];
            LogSelfSigned(hostname);
            return;
        }
        var loaded = Check(configured);
        foreach (var entry in loaded)
            if (entry.Leaf.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime) LogExpired(entry.Leaf.Subject, entry.Leaf.NotAfter.ToUniversalTime());
        _entries = loaded;
    }

    /// <summary>Throws <see cref="CertificateException"/> when one of the certificates cannot be used; keeps nothing.</summary>
    public static void Validate(IReadOnlyList<CertificateFiles> configured) => Check(configured);

    static List<CertificateEntry> Check(IReadOnlyList<CertificateFiles> configured) => [.. configured.Select(CertificateEntry.Load)];

    /// <summary>TLS for one listener. Each listener needs one of its own: see <see cref="ListenerTls"/>.</summary>
    /// <param name="protocols">The names of ALPN (RFC 7301) that fit the listener's protocol.</param>
    public ListenerTls ForListener(params string[] protocols) => new(this, [.. protocols.Select(p => new SslApplicationProtocol(p))]);

    internal IReadOnlyList<CertificateEntry> Entries => _entries;

    /// <summary>The entry for the name that the client asked for: an exact one before a wildcard before the first of all.</summary>
    internal static int Pick(IReadOnlyList<CertificateEntry> entries, string? serverName)
    {
        if (entries.Count > 1 && serverName is { Length: > 0 })
        {
            var name = serverName.TrimEnd('.').ToLowerInvariant();
            foreach (var wildcard in (ReadOnlySpan<bool>)[false, true])
                for (var i = 0; i < entries.Count; i++)
                    if (entries[i].Covers(name, wildcard)) return i;
        }
        return 0;
    }

    [LoggerMessage(6001, LogLevel.Warning, "no certificate configured: clients are shown a self-signed one for {Hostname}")]
    partial void LogSelfSigned(string hostname);

    [LoggerMessage(6002, LogLevel.Warning, "the certificate of {Subject} expired at {NotAfter}")]
    partial void LogExpired(string subject, DateTime notAfter);
}
