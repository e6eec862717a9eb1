using Posthorn.Storage;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Routing;

/// <summary>
/// Rewrites the reverse-paths of what is sent on, and finds the senders behind them. The keys are in the store, so that all
/// processes on it believe each other; a new one is made at first use, and every 30 days. Thread-safe.
/// </summary>
/// <param name="domain">The domain of all rewritten reverse-paths; null for that of the address that sends on.</param>
public sealed class Srs(MailStore store, string? domain, TimeProvider time)
{
    /// <summary>Another process may have made a new key: how long one looks no further than its own picture.</summary>
    static readonly TimeSpan Trusted = TimeSpan.FromMinutes(1);

    Picture? _picture;

    /// <summary>The domain of all rewritten reverse-paths in its normal form; null when there is no such one.</summary>
    public string? Domain { get; } = domain is null ? null : EmailAddress.NormalizeDomain(domain) ?? domain;

    /// <summary>True for an address in the form of a rewritten reverse-path, whoever made it.</summary>
    public static bool HasForm(EmailAddress address) => SrsText.TryRead(address.LocalPart, out _);

    /// <summary>The reverse-path to send on with, for the mail of <paramref name="sender"/> that <paramref name="forwarder"/> passes on.</summary>
    public async ValueTask<EmailAddress> RewriteAsync(EmailAddress sender, EmailAddress forwarder, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var keys = Keys(now);
        if (keys is null || !keys.IsCurrent(now))
        {
            keys = await store.WriteAsync(u => SrsKeys.Load(u) is { } there && there.IsCurrent(now) ? there : SrsKeys.Rotate(u, now), ct).ConfigureAwait(false);
            Volatile.Write(ref _picture, new Picture(keys, now));
        }
        var (own, key) = (Domain ?? forwarder.Domain, keys.Keys[0].Octets);
        if (SrsText.Make(sender, own, key, now) is { } plain) return plain;
        var number = await store.WriteAsync(u => u.ReversePaths.Use(sender.ToString()), ct).ConfigureAwait(false);
        return SrsText.Make(number, own, key, now);
    }

    /// <summary>The sender behind a rewritten reverse-path; null when it is none of ours, altered, or too old.</summary>
    public EmailAddress? Reverse(EmailAddress address)
    {
        if (!SrsText.TryRead(address.LocalPart, out var parts) || parts.Hash is null) return null;
        var now = time.GetUtcNow();
        if (!SrsText.IsFresh(parts, now)) return null;
        if (!IsSigned(parts, Keys(now)) && !IsSigned(parts, Fetch(now))) return null;
        if (parts.Form != SrsForm.Stored) return new EmailAddress(parts.Local, parts.Domain);
        return SrsText.TryNumber(parts.Local, out var number) && store.Read(u => u.ReversePaths.Find(number)) is { } kept ? EmailAddress.TryParse(kept) : null;
    }

    /// <summary>Makes a new key, as after a leak; two old ones are still believed. Returns how many there are.</summary>
    public async ValueTask<int> RotateAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var keys = await store.WriteAsync(u => SrsKeys.Rotate(u, now), ct).ConfigureAwait(false);
        Volatile.Write(ref _picture, new Picture(keys, now));
        return keys.Keys.Count;
    }

    static bool IsSigned(in SrsParts parts, SrsKeys? keys)
    {
        if (keys is null) return false;
        foreach (var (_, octets) in keys.Keys)
            if (SrsText.IsSigned(parts, octets)) return true;
        return false;
    }

    SrsKeys? Keys(DateTimeOffset now) => Volatile.Read(ref _picture) is { } picture && now - picture.Seen < Trusted ? picture.Keys : Fetch(now);

    SrsKeys? Fetch(DateTimeOffset now)
    {
        var keys = store.Read(SrsKeys.Load);
        if (keys is not null) Volatile.Write(ref _picture, new Picture(keys, now));
        return keys;
    }

    sealed record Picture(SrsKeys Keys, DateTimeOffset Seen);
}
