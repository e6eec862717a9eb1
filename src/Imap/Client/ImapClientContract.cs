using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Imap.Client;

/// <summary>How the connection is encrypted.</summary>
public enum ImapClientTls
{
    /// <summary>From the first octet on (RFC 8314).</summary>
    Implicit,

    /// <summary>By STARTTLS, before anything else is said.</summary>
    StartTls,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>Where to connect to.</summary>
/// <param name="Roots">Roots to trust in place of the system's; null for those.</param>
/// <param name="AnyCertificate">Takes any certificate: encrypted, but to nobody knows whom.</param>
public sealed record ImapServerAddress(string Host, int Port, ImapClientTls Tls, X509Certificate2Collection? Roots = null, bool AnyCertificate = false);

/// <summary>The other server refused, is gone, or does not speak IMAP. The message is one line for the administrator, in clean text.</summary>
public sealed class ImapClientException(string message) : Exception(message);

/// <summary>A folder of the other server.</summary>
/// <param name="Encoded">The name as it goes over the wire.</param>
/// <param name="Name">The name with levels parted by "/", without the prefix of the personal namespace.</param>
/// <param name="Attributes">In lower case with the backslash, as <c>\sent</c>.</param>
/// <param name="Subscribed">True when it is subscribed to, or nobody can tell.</param>
public sealed record RemoteFolder(string Encoded, string Name, IReadOnlySet<string> Attributes, bool Subscribed)
{
    /// <summary>False for a name that has no messages.</summary>
    public bool CanSelect => !Attributes.Contains("\\noselect") && !Attributes.Contains("\\nonexistent");
}

/// <summary>What EXAMINE said.</summary>
public sealed record ExaminedFolder(uint UidValidity, long Messages);

/// <summary>A message of the other server without its text.</summary>
/// <param name="Flags">Names of flags and keywords.</param>
/// <param name="Date">INTERNALDATE; null when it was not told.</param>
public sealed record RemoteMessage(uint Uid, IReadOnlyList<string> Flags, DateTimeOffset? Date, long Size);

/// <summary>Gets the octets of messages as they come.</summary>
public interface IRemoteText
{
    ValueTask BeginAsync(uint uid, long size);

    ValueTask WriteAsync(ReadOnlyMemory<byte> octets);

    ValueTask EndAsync();
}
