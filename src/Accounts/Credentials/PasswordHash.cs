using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// Makes and checks password hashes. Made: Argon2id (m=19456, t=2, p=1) or, without libargon2, PBKDF2-HMAC-SHA256 with
/// 600,000 rounds, both as PHC strings. Checked also: crypt(3) forms and the scheme prefixes of other servers. Each call is
/// as slow as the hash asks for: run it on <see cref="PasswordKdf"/>.
/// </summary>
sealed class PasswordHash
{
    const uint Memory = 19456, Passes = 2, Lanes = 1;
    const int Rounds = 600_000;
    const int SaltLength = 16, HashLength = 32;

    // What an imported hash may ask for at most; a stored string must not be able to take all memory.
    const uint MaxMemory = 1 << 20, MaxPasses = 100, MaxLanes = 16;
    const int MaxRounds = 20_000_000;

    static readonly string[] CryptSchemes = ["{CRYPT}", "{BLF-CRYPT}", "{SHA512-CRYPT}", "{SHA256-CRYPT}", "{MD5-CRYPT}", "{ARGON2ID}", "{ARGON2I}"];

    readonly bool _argon2;

    /// <param name="argon2">False makes PBKDF2 hashes even where libargon2 is there.</param>
    public PasswordHash(bool argon2 = true) => _argon2 = argon2 && Argon2.Available;

    /// <summary>A hash with today's parameters and a new salt.</summary>
    public string Make(ReadOnlySpan<byte> password)
    {
        Span<byte> salt = stackalloc byte[SaltLength];
        Span<byte> hash = stackalloc byte[HashLength];
        RandomNumberGenerator.Fill(salt);
        if (_argon2)
        {
            Argon2.Derive(password, salt, Passes, Memory, Lanes, dataIndependent: false, hash);
            return $"$argon2id$v=19$m={Memory},t={Passes},p={Lanes}${B64(salt)}${B64(hash)}";
        }
        Rfc2898DeriveBytes.Pbkdf2(password, salt, hash, Rounds, HashAlgorithmName.SHA256);
        return $"$pbkdf2-sha256$i={Rounds}${B64(salt)}${B64(hash)}";
    }

    /// <summary>A hash of today's cost that no password fits: checked for users that are not there, so that they take as long.</summary>
    public string MakeDecoy() => Make(RandomNumberGenerator.GetBytes(32));

    /// <summary>True when <see cref="Verify"/> can check this string.</summary>
    public static bool Recognises(string hash)
    {
        var bare = Bare(hash);
        return bare.StartsWith('{') ? Salted(bare, out _, out _, out _)
            : ReadArgon2(bare, out _) || ReadPbkdf2(bare, out _) || UnixCrypt.Recognises(bare);
    }

    /// <summary>The name of the scheme of a stored hash, for people.</summary>
    public static string Scheme(string hash)
    {
        var bare = Bare(hash);
        if (bare.StartsWith('{')) return bare[1..Math.Max(1, bare.IndexOf('}'))].ToLowerInvariant();
        var name = bare.Split('$') is { Length: > 2 } parts ? parts[1] : "";
        return name switch { "1" => "md5-crypt", "2a" or "2b" or "2y" => "bcrypt", "5" => "sha256-crypt", "6" => "sha512-crypt", "y" => "yescrypt", _ => name };
    }

    /// <summary>True when the password fits. Throws <see cref="CryptographicException"/> when the hash needs a library that is not here.</summary>
    public static bool Verify(ReadOnlySpan<byte> password, string stored)
    {
        var hash = Bare(stored);
        if (ReadArgon2(hash, out var argon2))
        {
            if (!Argon2.Available) throw new CryptographicException("libargon2 is missing");
            Span<byte> made = stackalloc byte[argon2.Hash.Length];
            Argon2.Derive(password, argon2.Salt, argon2.Passes, argon2.Memory, argon2.Lanes, argon2.DataIndependent, made);
            return CryptographicOperations.FixedTimeEquals(made, argon2.Hash);
        }
        if (ReadPbkdf2(hash, out var pbkdf2))
        {
            Span<byte> made = stackalloc byte[pbkdf2.Hash.Length];
            Rfc2898DeriveBytes.Pbkdf2(password, pbkdf2.Salt, made, pbkdf2.Rounds, pbkdf2.Algorithm);
            return CryptographicOperations.FixedTimeEquals(made, pbkdf2.Hash);
        }
        if (Salted(hash, out var algorithm, out var digest, out var salt))
            return CryptographicOperations.FixedTimeEquals(CryptographicOperations.HashData(algorithm, [.. password, .. salt]), digest);
        if (!UnixCrypt.Recognises(hash)) return false;
        if (!UnixCrypt.Available) throw new CryptographicException("libcrypt is missing");
        return UnixCrypt.Verify(password, hash);
    }

    /// <summary>True when the hash is weaker than, or of another kind than, what <see cref="Make"/> makes today.</summary>
    public bool NeedsUpgrade(string stored)
    {
        if (!stored.StartsWith('$')) return true;
        // Where libargon2 is missing nothing is changed from Argon2 back to PBKDF2; where it is there, PBKDF2 is changed.
        if (ReadArgon2(stored, out var argon2))
            return argon2.DataIndependent || argon2.Memory < Memory || argon2.Passes < Passes || argon2.Hash.Length < HashLength;
        return _argon2 || !ReadPbkdf2(stored, out var pbkdf2) || pbkdf2.Rounds < Rounds || pbkdf2.Algorithm != HashAlgorithmName.SHA256;
    }

    static string Bare(string stored)
    {
        foreach (var scheme in CryptSchemes)
            if (stored.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return stored[scheme.Length..];
        return stored;
    }

    readonly record struct Argon2Hash(bool DataIndependent, uint Memory, uint Passes, uint Lanes, byte[] Salt, byte[] Hash);

    // $argon2id$v=19$m=19456,t=2,p=1$salt$hash
    static bool ReadArgon2(string text, out Argon2Hash read)
    {
        read = default;
        var parts = text.Split('$');
        if (parts.Length != 6 || parts[0] != "" || parts[1] is not ("argon2id" or "argon2i") || parts[2] != "v=19") return false;
        var numbers = parts[3].Split(',');
        if (numbers.Length != 3 || !Number(numbers[0], "m=", out var m) || !Number(numbers[1], "t=", out var t) || !Number(numbers[2], "p=", out var p)) return false;
        if (m is < 8 or > MaxMemory || t is < 1 or > MaxPasses || p is < 1 or > MaxLanes || m < 8 * p) return false;
        if (Decode(parts[4]) is not { Length: >= 8 and <= 64 } salt || Decode(parts[5]) is not { Length: >= 12 and <= 128 } hash) return false;
        read = new(parts[1] == "argon2i", m, t, p, salt, hash);
        return true;
    }

    readonly record struct Pbkdf2Hash(HashAlgorithmName Algorithm, int Rounds, byte[] Salt, byte[] Hash);

    // $pbkdf2-sha256$i=600000$salt$hash; also with the bare number and "." for "+" (passlib)
    static bool ReadPbkdf2(string text, out Pbkdf2Hash read)
    {
        read = default;
        var parts = text.Split('$');
        if (parts.Length != 5 || parts[0] != "" || parts[1] is not ("pbkdf2-sha256" or "pbkdf2-sha512")) return false;
        if (!Number(parts[2], parts[2].StartsWith("i=", StringComparison.Ordinal) ? "i=" : "", out var rounds) || rounds is 0 or > MaxRounds) return false;
        if (Decode(parts[3]) is not { Length: >= 8 and <= 64 } salt || Decode(parts[4]) is not { Length: >= 16 and <= 128 } hash) return false;
        read = new(parts[1] == "pbkdf2-sha256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512, (int)rounds, salt, hash);
        return true;
    }

    // {SSHA}base64(digest salt), {SSHA256}, {SSHA512}
    static bool Salted(string text, out HashAlgorithmName algorithm, out byte[] digest, out byte[] salt)
    {
        algorithm = default;
        digest = salt = [];
        var close = text.IndexOf('}');
        if (close < 0) return false;
        var length = 0;
        (algorithm, length) = text[..(close + 1)].ToUpperInvariant() switch
        {
            "{SSHA}" => (HashAlgorithmName.SHA1, 20),
            "{SSHA256}" => (HashAlgorithmName.SHA256, 32),
            "{SSHA512}" => (HashAlgorithmName.SHA512, 64),
            _ => (default, 0),
        };
        if (length == 0 || Decode(text[(close + 1)..]) is not { } octets || octets.Length <= length) return false;
        digest = octets[..length];
        salt = octets[length..];
        return true;
    }

    static bool Number(string text, string prefix, out uint value)
    {
        value = 0;
        return text.StartsWith(prefix, StringComparison.Ordinal)
            && uint.TryParse(text.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    static string B64(ReadOnlySpan<byte> octets) => Convert.ToBase64String(octets).TrimEnd('=');

    static byte[]? Decode(string text)
    {
        text = text.TrimEnd('=').Replace('.', '+');
        text = text.PadRight((text.Length + 3) / 4 * 4, '=');
        return Base64.IsValid(Encoding.UTF8.GetBytes(text)) ? Convert.FromBase64String(text) : null;
    }
}
