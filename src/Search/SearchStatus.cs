namespace Posthorn.Search;

/// <summary>How far the index is.</summary>
/// <param name="Usable">False while there is none: searches read all mail.</param>
/// <param name="Accounts">Accounts of which something is indexed.</param>
/// <param name="Messages">Messages that are indexed; some may be gone meanwhile.</param>
/// <param name="Waiting">Messages that are not indexed yet.</param>
/// <param name="Segments">Segments of all accounts.</param>
/// <param name="Octets">Octets on disk.</param>
public sealed record SearchStatus(bool Usable, long Accounts, long Messages, long Waiting, long Segments, long Octets);
