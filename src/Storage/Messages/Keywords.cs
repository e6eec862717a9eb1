namespace Posthorn.Storage.Messages;

/// <summary>Keywords as stored: sorted, separated by spaces, no two that differ only in case (RFC 9051 §2.3.2).</summary>
static class Keywords
{
    internal static string? Change(string? stored, IReadOnlyCollection<string>? add, IReadOnlyCollection<string>? remove)
    {
        if (add is not { Count: > 0 } && remove is not { Count: > 0 })
            return stored;
        var set = new SortedSet<string>(stored?.Split(' ') ?? [], StringComparer.OrdinalIgnoreCase);
        foreach (var keyword in remove ?? [])
            set.Remove(keyword);
        foreach (var keyword in add ?? [])
        {
            if (keyword.Length == 0 || keyword.Contains(' '))
                throw new StoreException($"not a keyword: \"{keyword}\"");
            set.Add(keyword);
        }
        return set.Count == 0 ? null : string.Join(' ', set);
    }
}
