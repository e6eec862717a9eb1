using System.Buffers.Binary;
using System.Security.Cryptography;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Sasl;

namespace Posthorn.Accounts.Credentials;

/// <summary>Keys for SCRAM-SHA-256 (RFC 5802 §3) out of passwords; why so many rounds: docs/adr/0019-scram-for-passwords.md.</summary>
static class PasswordKeys
{
    /// <summary>The most that clients built on Cyrus SASL compute; they refuse to log in when told more.</summary>
    public const int Rounds = 65_536;

    /// <summary>The keys of a password as a client proves it: prepared (RFC 5802 §2.2) where it can be.</summary>
    public static ScramKeys Make(ReadOnlySpan<byte> password, byte[] salt)
    {
        var prepared = SaslPrep.Prepare(password);
        var (storedKey, serverKey) = Derive(prepared ?? password, salt, Rounds);
        CryptographicOperations.ZeroMemory(prepared);
        return new(storedKey, serverKey, Rounds);
    }

    public static (byte[] StoredKey, byte[] ServerKey) Derive(ReadOnlySpan<byte> password, byte[] salt, int rounds)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA256, 32);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        CryptographicOperations.ZeroMemory(salted);
        return (storedKey, serverKey);
    }

    /// <summary>
    /// Names the keys of a password among the credentials of an account: below zero, where no app password's id is, and another
    /// one once the password is another.
    /// </summary>
    public static long Id(ScramKeys keys) => BinaryPrimitives.ReadInt64BigEndian(keys.StoredKey) | long.MinValue;
}
