using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Routing;

/// <summary>The forms of a rewritten reverse-path.</summary>
enum SrsForm
{
    /// <summary><c>SRS0=hash=day=domain=local</c>: rewritten here first.</summary>
    First,

    /// <summary><c>SRS1=hash=host==hash=day=domain=local</c>: rewritten by that host before us; bounces go back by way of it.</summary>
    Again,

    /// <summary><c>SRS2=hash=day=number</c>: one of ours whose address is too long for the first two, and is in the store.</summary>
    Stored,
}

/// <summary>A rewritten reverse-path taken apart; nothing of it is believed yet.</summary>
/// <param name="Signed">What the hash is of.</param>
/// <param name="Day">The stamp, or -1 for a form without one.</param>
/// <param name="Domain">Of the address behind it; empty for a stored one.</param>
/// <param name="Local">Of the address behind it; of a stored one its number.</param>
readonly record struct SrsParts(SrsForm Form, string Hash, string Signed, int Day, string Domain, string Local);

/// <summary>
/// The Sender Rewriting Scheme, "guarded" kind: mail that is sent on gets a reverse-path of ours, so that it agrees with SPF
/// (RFC 7208 §D.2), and a bounce finds its way to the sender. A keyed hash makes sure that only our own rewriting leads
/// back to strangers, and a stamp that it does so for a while only. Hashes are over lower case: hosts on the way may change it.
/// </summary>
static class SrsText
{
    /// <summary>How many days an address is good for: bounces come within days.</summary>
    internal const int ValidDays = 21;

    const int HashLength = 6;
    const int DayLength = 2;
    const int DayBits = 10;
    const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 §6

    /// <summary>RFC 5321 §4.5.3.1.3, without the angle brackets.</summary>
    const int MaxPath = 254;

    /// <summary>A reverse-path of <paramref name="domain"/> that stands for <paramref name="sender"/>; null when it would be no plain address or too long.</summary>
    internal static EmailAddress? Make(EmailAddress sender, string domain, byte[] key, DateTimeOffset now)
    {
        var local = Again(sender, out var signed) ? Sign("SRS1", signed, key) : Sign("SRS0", $"{Stamp(now)}={sender.Domain}={sender.LocalPart}", key);
        var address = new EmailAddress(local, domain);
        var text = address.ToString();
        return !address.NeedsSmtpUtf8 && text[0] != '"' && local.Length <= EmailAddress.MaxLocalPart && text.Length <= MaxPath ? address : null;
    }

    /// <summary>The same for an address that the store has under a number.</summary>
    internal static EmailAddress Make(long number, string domain, byte[] key, DateTimeOffset now) =>
        new(Sign("SRS2", $"{Stamp(now)}={Number(number)}", key), domain);

    /// <summary>Takes a local part apart; false when it has none of the forms.</summary>
    internal static bool TryRead(string local, out SrsParts parts)
    {
        parts = default;
        if (!HasForm(local)) return false;
        var fields = local[5..].Split('=', 2);
        if (fields.Length < 2 || fields[0].Length != HashLength) return true; // of the form, and none that we made
        var signed = fields[1];
        if (local[3] == '1')
        {
            var host = signed.Split('=', 2);
            if (host.Length == 2 && host[1].Length > 0 && EmailAddress.NormalizeDomain(host[0]) is { } name)
                parts = new(SrsForm.Again, fields[0], signed, -1, name, "SRS0" + host[1]);
            return true;
        }
        var rest = signed.Split('=', 3);
        if (!TryDay(rest[0], out var day)) return true;
        if (local[3] == '2')
        {
            if (rest.Length == 2) parts = new(SrsForm.Stored, fields[0], signed, day, "", rest[1]);
        }
        else if (rest.Length == 3 && EmailAddress.NormalizeDomain(rest[1]) is { } domain)
            parts = new(SrsForm.First, fields[0], signed, day, domain, rest[2]);
        return true;
    }

    /// <summary>True when this key made the hash.</summary>
    internal static bool IsSigned(in SrsParts parts, byte[] key) =>
        parts.Hash is not null && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(parts.Hash.ToUpperInvariant()), Encoding.ASCII.GetBytes(Hash(key, Prefix(parts.Form) + parts.Signed)));

    internal static bool IsFresh(in SrsParts parts, DateTimeOffset now) =>
        parts.Day < 0 || ((Day(now) - parts.Day) & ((1 << DayBits) - 1)) <= ValidDays;

    /// <summary>The number of a stored one.</summary>
    internal static bool TryNumber(string text, out long number)
    {
        number = 0;
        foreach (var c in text)
        {
            var digit = Base32.IndexOf(char.ToUpperInvariant(c));
            if (digit < 0 || number > long.MaxValue >> 5) return false;
            number = number << 5 | (long)digit;
        }
        return text.Length > 0;
    }

    /// <summary>"SRS" and a form that is known, then one of the separators in use; "=" is ours.</summary>
    static bool HasForm(string local) =>
        local.Length > 5 && local.StartsWith("SRS", StringComparison.OrdinalIgnoreCase) && local[3] is '0' or '1' or '2' && local[4] is '=' or '+' or '-';

    /// <summary>For what another host has rewritten: only that host can lead back, so the address names it and keeps its part.</summary>
    static bool Again(EmailAddress sender, [NotNullWhen(true)] out string? signed)
    {
        signed = null;
        var local = sender.LocalPart;
        if (!HasForm(local)) return false;
        if (local[3] == '0') signed = $"{sender.Domain}={local[4..]}";
        else if (local[3] == '1')
        {
            // The host in the middle is left out: a chain never grows.
            var fields = local[5..].Split('=', 2);
            if (fields.Length == 2 && fields[1].IndexOf('=') > 0) signed = fields[1];
        }
        return signed is not null;
    }

    static string Sign(string form, string signed, byte[] key) => $"{form}={Hash(key, form + "=" + signed)}={signed}";

    static string Prefix(SrsForm form) => form switch { SrsForm.First => "SRS0=", SrsForm.Again => "SRS1=", _ => "SRS2=" };

    static string Hash(byte[] key, string text)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text.ToLowerInvariant()), mac);
        return Letters(BinaryPrimitives.ReadUInt64BigEndian(mac) >> (64 - 5 * HashLength), HashLength);
    }

    static int Day(DateTimeOffset now) => (int)(now.ToUnixTimeSeconds() / 86_400) & ((1 << DayBits) - 1);

    static string Stamp(DateTimeOffset now) => Letters((ulong)Day(now), DayLength);

    static bool TryDay(string text, out int day)
    {
        day = 0;
        if (text.Length != DayLength || !TryNumber(text, out var number)) return false;
        day = (int)number;
        return true;
    }

    static string Number(long number)
    {
        var length = 1;
        while (length < 13 && number >> (5 * length) != 0) length++;
        return Letters((ulong)number, length);
    }

    static string Letters(ulong value, int length)
    {
        Span<char> letters = stackalloc char[length];
        for (var i = length - 1; i >= 0; i--, value >>= 5) letters[i] = Base32[(int)(value & 31)];
        return letters.ToString();
    }
}
