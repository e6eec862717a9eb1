using System.Buffers.Binary;
using System.Security.Cryptography;
using Posthorn.Storage;

namespace Posthorn.Delivery.Routing;

/// <summary>The keys of rewritten reverse-paths, newest first: the first signs, all are believed.</summary>
/// <param name="Keys">When each was made, and its octets.</param>
sealed record SrsKeys(IReadOnlyList<(DateTimeOffset Made, byte[] Octets)> Keys)
{
    /// <summary>The name of the row among the secrets of the store.</summary>
    const string Name = "srs";

    const int KeyLength = 32;

    /// <summary>How many old ones are believed: with the life of a key more than any address lives.</summary>
    const int Old = 2;

    /// <summary>A key older than this signs no more.</summary>
    internal static readonly TimeSpan Life = TimeSpan.FromDays(30);

    /// <summary>Null when none was ever made.</summary>
    internal static SrsKeys? Load(ReadUnit unit)
    {
        if (unit.Directory.Secret(Name) is not { Length: > 0 } text) return null;
        var keys = new List<(DateTimeOffset, byte[])>();
        for (var rest = text.AsSpan(); rest.Length >= 8 + KeyLength; rest = rest[(8 + KeyLength)..])
            keys.Add((DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(rest)), rest.Slice(8, KeyLength).ToArray()));
        return keys.Count == 0 ? null : new SrsKeys(keys);
    }

    /// <summary>Those in the store with a new one before them; the oldest goes, and what only it could lead back to.</summary>
    internal static SrsKeys Rotate(WriteUnit unit, DateTimeOffset now)
    {
        var keys = new SrsKeys([(now, RandomNumberGenerator.GetBytes(KeyLength)), .. (Load(unit)?.Keys ?? []).Take(Old)]);
        var text = new byte[keys.Keys.Count * (8 + KeyLength)];
        var rest = text.AsSpan();
        foreach (var (made, octets) in keys.Keys)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, made.ToUnixTimeMilliseconds());
            octets.CopyTo(rest[8..]);
            rest = rest[(8 + KeyLength)..];
        }
        unit.Directory.SetSecret(Name, text);
        unit.ReversePaths.Forget(now.AddDays(-SrsText.ValidDays - 1));
        return keys;
    }

    internal bool IsCurrent(DateTimeOffset now) => now - Keys[0].Made < Life;
}
