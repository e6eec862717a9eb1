using Posthorn.Storage;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Addresses;

/// <summary>All rows of the directory, read in one snapshot.</summary>
sealed record DirectoryRows(
    IReadOnlyList<DomainRow> Domains,
    IReadOnlyList<AccountRow> Accounts,
    IReadOnlyList<AliasRow> Aliases,
    IReadOnlyList<AppPasswordRow> AppPasswords,
    IReadOnlyList<RouteRow> Routes)
{
    public static DirectoryRows Load(ReadUnit unit) =>
        new(unit.Directory.Domains(), unit.Directory.Accounts(), unit.Directory.Aliases(), unit.Directory.AppPasswords(), unit.Directory.Routes());
}
