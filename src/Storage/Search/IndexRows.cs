namespace Posthorn.Storage.Search;

/// <summary>How far the index of an account is.</summary>
/// <param name="Last">The last message that it knows; those after it are not indexed.</param>
/// <param name="Seal">A checksum over this row and the segments of the account.</param>
public sealed record IndexPosition(long AccountId, long Last, long Seal);

/// <summary>Messages of one account that were indexed together: never changed, only replaced by a larger one.</summary>
/// <param name="Level">How often its oldest parts have been merged.</param>
/// <param name="First">Its first message.</param>
/// <param name="Last">Its last message.</param>
/// <param name="Count">How many messages.</param>
public sealed record IndexSegment(long Id, long AccountId, int Level, long First, long Last, int Count);

/// <summary>What the index has of all accounts.</summary>
public readonly record struct IndexCounts(long Accounts, long Segments, long Messages);
