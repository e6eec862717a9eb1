using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Accounts.Credentials;

/// <summary>crypt(3) hashes of other servers, verified by the system's libcrypt; never made here.</summary>
static partial class UnixCrypt
{
    const string Library = "libcrypt.so.1";

    /// <summary>CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt.</summary>
    const int MaxPassword = 511;

    static readonly string[] Prefixes = ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$"];

    /// <summary>True when the library can be loaded here.</summary>
    public static bool Available { get; } = NativeLibrary.TryLoad(Library, out _);

    public static bool Recognises(string hash)
    {
        foreach (var prefix in Prefixes)
            if (hash.StartsWith(prefix, StringComparison.Ordinal)) return hash.Length is > 20 and < 384 && Ascii.IsValid(hash);
        return false;
    }

    public static unsafe bool Verify(ReadOnlySpan<byte> password, string hash)
    {
        // A NUL would end the password early: "secret\0anything" must not pass as "secret".
        if (password.Length > MaxPassword || password.Contains((byte)0)) return false;
        Span<byte> phrase = stackalloc byte[MaxPassword + 1];
        phrase.Clear();
        password.CopyTo(phrase);
        void* data = null;
        var size = 0;
        try
        {
            var made = crypt_ra(phrase, hash, &data, &size);
            if (made is null) return false;
            return CryptographicOperations.FixedTimeEquals(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(made), Encoding.ASCII.GetBytes(hash));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(phrase);
            if (data is not null)
            {
                CryptographicOperations.ZeroMemory(new Span<byte>(data, size));
                NativeMemory.Free(data);
            }
        }
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* crypt_ra(ReadOnlySpan<byte> phrase, string setting, void** data, int* size);
}
