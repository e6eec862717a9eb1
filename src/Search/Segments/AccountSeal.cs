using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>The checksum over an account's position and which segments it has: one that is lost would hide messages.</summary>
static class AccountSeal
{
    internal static long Of(long accountId, long last, IReadOnlyList<IndexSegment> segments)
    {
        var seal = Checksum.Of(last, Checksum.Of(accountId, 0));
        foreach (var segment in segments) seal = Checksum.Of(segment.Count, Checksum.Of(segment.Id, seal));
        return seal;
    }
}
