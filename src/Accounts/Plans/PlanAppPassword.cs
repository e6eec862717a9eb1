using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Posthorn.Accounts.Credentials;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Plans;

/// <summary>An app password in a plan: what it is checked by, never itself.</summary>
/// <param name="Keys">Rounds, hash, StoredKey and ServerKey (RFC 5802 §3) as "4096$hash$stored$server", octets in base64. They fit the account's salt only.</param>
/// <param name="Scopes">What it is limited to, parted by spaces; empty for all.</param>
/// <param name="Expires">When it runs out, to the microsecond; null for never.</param>
public sealed record PlanAppPassword(string Name, string Keys, string Scopes = "", DateTimeOffset? Expires = null)
{
    // What the store keeps of a time and no more: a plan must be equal to what was made of it.
    const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    internal static PlanAppPassword Of(AppPasswordRow row) => new(
        row.Name,
        string.Create(CultureInfo.InvariantCulture, $"{row.Iterations}${B64(row.Hash)}${B64(row.StoredKey)}${B64(row.ServerKey)}"),
        row.Scopes,
        row.Expires);

    /// <summary>RFC 7677 §4.</summary>
    const int LeastIterations = 4096;

    /// <summary>The parts of keys; false when they are none that a login could be checked against.</summary>
    internal static bool TryKeys(string text, out PlanKeys keys)
    {
        keys = default;
        var parts = text.Split('$');
        // Of other rounds than ours SCRAM makes no use, but PLAIN needs only the hash.
        if (parts.Length != 4 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations < LeastIterations) return false;
        if (!TryOctets(parts[1], AppPassword.KeyLength, out var hash) || !TryOctets(parts[2], AppPassword.KeyLength, out var stored)
            || !TryOctets(parts[3], AppPassword.KeyLength, out var server)) return false;
        keys = new(iterations, hash, stored, server);
        return true;
    }

    /// <summary>That many octets out of base64 as we write it (one text for the same octets, so that texts can be compared).</summary>
    internal static bool TryOctets(string text, int length, [NotNullWhen(true)] out byte[]? octets)
    {
        octets = new byte[length];
        return Convert.TryFromBase64String(text, octets, out var written) && written == length && B64(octets) == text;
    }

    internal static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    internal static bool TryTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    static string B64(byte[] octets) => Convert.ToBase64String(octets);
}

/// <summary>The parts of <see cref="PlanAppPassword.Keys"/>.</summary>
readonly record struct PlanKeys(int Iterations, byte[] Hash, byte[] StoredKey, byte[] ServerKey);
