namespace Posthorn.Tls.Certificates;

/// <summary>A certificate as configured.</summary>
/// <param name="Certificate">PEM file: the leaf, then those that lead to its root.</param>
/// <param name="Key">PEM file with the private key.</param>
/// <param name="Hosts">Names to show it for; empty for those in the certificate.</param>
public sealed record CertificateFiles(string Certificate, string Key, IReadOnlyList<string> Hosts);

/// <summary>A certificate cannot be used. Names the file.</summary>
public sealed class CertificateException(string file, string message, Exception? inner = null) : Exception($"{file}: {message}", inner)
{
    /// <summary>The file that is wrong.</summary>
    public string File { get; } = file;
}
