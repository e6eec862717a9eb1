using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Posthorn.Wire.Sasl;

/// <summary>Wipes octets that held a password, a proof or a key.</summary>
public static class Secrets
{
    /// <summary>Overwrites with zeros, in a way the compiler does not drop.</summary>
    public static void Wipe(Span<byte> octets) => CryptographicOperations.ZeroMemory(octets);

    /// <summary>
    /// Overwrites octets that were handed out as read-only, such as a line still in the connection's input buffer. Only
    /// for the owner of that memory.
    /// </summary>
    public static void Wipe(ReadOnlyMemory<byte> octets) => CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(octets).Span);
}
