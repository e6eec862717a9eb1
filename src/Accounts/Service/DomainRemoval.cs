using Posthorn.Accounts.Addresses;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Service;

/// <summary>The removal of a domain with what hangs on it.</summary>
static class DomainRemoval
{
    public static void Remove(DirectoryChange change, DomainRow row, bool force)
    {
        var rows = change.Before;
        var accounts = rows.Accounts.Where(a => a.DomainId == row.Id).Select(a => $"{a.LocalPart}@{row.Name}").ToList();
        if (accounts.Count > 0)
            throw new AccountRefusal("in-use", $"domain {row.Name} has accounts, whose mail would be lost: remove them first: {string.Join(", ", accounts)}");
        var names = rows.Domains.Where(d => d.AliasOf == row.Id).ToList();
        var gone = names.Select(d => d.Name).Append(row.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var aliases = rows.Aliases.Where(a => AliasPattern.TryParse(a.Pattern, out var pattern, out _) && gone.Contains(pattern.Domain)).ToList();
        if (!force && names.Count + aliases.Count > 0)
            throw new AccountRefusal("in-use", $"domain {row.Name} is still needed by {string.Join(", ", names.Select(d => d.Name).Concat(aliases.Select(a => a.Pattern)))}");
        foreach (var alias in aliases) change.RemoveAlias(alias);
        foreach (var name in names) change.RemoveDomain(name);
        change.RemoveDomain(row);
    }
}
