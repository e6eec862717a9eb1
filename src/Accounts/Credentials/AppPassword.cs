using System.Security.Cryptography;
using System.Text;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// App passwords: made here, 128 random bits, so a fast hash is enough; nobody can search that space.
/// </summary>
static class AppPassword
{
    /// <summary>One exchange has one number of rounds, so these have as many as passwords do, though they would not need them.</summary>
    public const int Iterations = PasswordKeys.Rounds;

    const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    const int Letters = 26;

    /// <summary>What an app password may be limited to; an empty list of scopes means all.</summary>
    public static readonly IReadOnlyList<string> Scopes = ["smtp", "pop3", "imap", "jmap", "sieve", "dav"];

    /// <summary>Octets of <see cref="Hash"/> and of each key (SHA-256).</summary>
    public const int KeyLength = 32;

    /// <summary>Octets of an account's salt.</summary>
    public const int SaltLength = 16;

    /// <summary>True for a name that an app password can have: 1 to 100 characters, none a control.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= 100 && !name.Any(char.IsControl);

    /// <summary>A new secret as it is shown: 26 letters in groups of four, "abcd-efgh-…-yz".</summary>
    public static string Make()
    {
        Span<byte> octets = stackalloc byte[17];
        RandomNumberGenerator.Fill(octets[..16]);
        octets[16] = 0;
        var text = new StringBuilder();
        for (var i = 0; i < Letters; i++)
        {
            if (i > 0 && i % 4 == 0) text.Append('-');
            var bit = i * 5;
            var pair = octets[bit / 8] << 8 | (bit / 8 + 1 < 17 ? octets[bit / 8 + 1] : 0);
            text.Append(Alphabet[pair >> (11 - bit % 8) & 31]);
        }
        CryptographicOperations.ZeroMemory(octets);
        return text.ToString();
    }

    /// <summary>
    /// The 26 letters of what was typed, without dashes and spaces and in lower case; false when it cannot be an app password.
    /// </summary>
    public static bool TryNormalize(ReadOnlySpan<byte> typed, Span<byte> letters)
    {
        var n = 0;
        foreach (var octet in typed)
        {
            if (octet is (byte)'-' or (byte)' ') continue;
            var letter = (byte)(octet | (octet is >= (byte)'A' and <= (byte)'Z' ? 0x20 : 0));
            if (n == Letters || !Alphabet.Contains((char)letter)) return false;
            letters[n++] = letter;
        }
        return n == Letters;
    }

    /// <summary>The stored hash: HMAC-SHA-256 of the letters under the account's salt.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> letters, byte[] salt) => HMACSHA256.HashData(salt, letters);

    /// <summary>The credential among those of the account that this password is; null when it is none of them.</summary>
    public static AppPasswordRow? Find(ReadOnlySpan<byte> typed, AccountRow account, IReadOnlyList<AppPasswordRow> candidates)
    {
        if (candidates.Count == 0) return null;
        Span<byte> letters = stackalloc byte[Letters];
        if (!TryNormalize(typed, letters)) return null;
        var hash = Hash(letters, account.ScramSalt);
        AppPasswordRow? found = null;
        foreach (var row in candidates)
            if (CryptographicOperations.FixedTimeEquals(hash, row.Hash)) found = row;
        return found;
    }

    /// <summary>
    /// StoredKey and ServerKey (RFC 5802 §3). They fit the secret as it was shown, with its dashes: a SCRAM client proves the
    /// text it was given, and no server can tidy that.
    /// </summary>
    public static (byte[] StoredKey, byte[] ServerKey) ScramKeys(string shown, byte[] salt, int iterations) =>
        PasswordKeys.Derive(Encoding.UTF8.GetBytes(shown), salt, iterations);

    /// <summary>True when the credential is for this service and has not run out.</summary>
    public static bool Covers(AppPasswordRow row, string protocol, DateTimeOffset now)
    {
        if (row.Expires is { } end && end <= now) return false;
        if (string.IsNullOrWhiteSpace(row.Scopes)) return true;
        var scope = protocol switch
        {
            "smtp" or "submission" or "submissions" => "smtp",
            "pop3" or "pop3s" => "pop3",
            "imap" or "imaps" => "imap",
            "managesieve" => "sieve",
            _ => protocol,
        };
        foreach (var range in row.Scopes.AsSpan().Split(' '))
            if (row.Scopes.AsSpan()[range].Equals(scope, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
