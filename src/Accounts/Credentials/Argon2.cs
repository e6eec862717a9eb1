using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Posthorn.Accounts.Credentials;

/// <summary>Argon2 (RFC 9106) by libargon2, where the system has it.</summary>
static partial class Argon2
{
    const string Library = "libargon2.so.1";

    /// <summary>True when the library can be loaded here.</summary>
    public static bool Available { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <param name="dataIndependent">Argon2i instead of Argon2id.</param>
    /// <param name="memory">KiB.</param>
    public static void Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, uint passes, uint memory, uint lanes, bool dataIndependent, Span<byte> output)
    {
        var code = dataIndependent
            ? argon2i_hash_raw(passes, memory, lanes, password, (nuint)password.Length, salt, (nuint)salt.Length, output, (nuint)output.Length)
            : argon2id_hash_raw(passes, memory, lanes, password, (nuint)password.Length, salt, (nuint)salt.Length, output, (nuint)output.Length);
        if (code != 0) throw new CryptographicException($"libargon2 returned {code}");
    }

    [LibraryImport(Library)]
    private static partial int argon2id_hash_raw(uint passes, uint memory, uint lanes, ReadOnlySpan<byte> password, nuint passwordLength, ReadOnlySpan<byte> salt, nuint saltLength, Span<byte> hash, nuint hashLength);

    [LibraryImport(Library)]
    private static partial int argon2i_hash_raw(uint passes, uint memory, uint lanes, ReadOnlySpan<byte> password, nuint passwordLength, ReadOnlySpan<byte> salt, nuint saltLength, Span<byte> hash, nuint hashLength);
}
