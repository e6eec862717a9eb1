using Posthorn.Accounts;
using Posthorn.Accounts.Addresses;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Tests.Unit.Accounts;

/// <summary>Rows of a directory written down by hand.</summary>
sealed class Picture
{
    public List<DomainRow> Domains { get; } = [];
    public List<AccountRow> Accounts { get; } = [];
    public List<AliasRow> Aliases { get; } = [];
    public List<AppPasswordRow> AppPasswords { get; } = [];
    public List<RouteRow> Routes { get; } = [];
    public AccountOptions Options { get; init; } = new();

    public DirectoryRows Rows => new([.. Domains], [.. Accounts], [.. Aliases], [.. AppPasswords], [.. Routes]);

    public Picture Domain(string name, string? aliasOf = null, bool enabled = true)
    {
        Domains.Add(new(Domains.Count + 1, name, aliasOf is null ? null : Domains.Single(d => d.Name == aliasOf).Id, enabled, default));
        return this;
    }

    public Picture Account(string address, string? hash = null, bool enabled = true)
    {
        var parsed = EmailAddress.TryParse(address)!;
        var salt = new byte[16];
        salt[0] = (byte)(Accounts.Count + 1);
        Accounts.Add(new(Accounts.Count + 1, Domains.Single(d => d.Name == parsed.Domain).Id, parsed.LocalPart, "", hash, enabled, 0, 0, 0, "en", salt, default));
        return this;
    }

    public Picture Alias(string pattern, params string[] targets)
    {
        Aliases.Add(new(Aliases.Count + 1, pattern, targets, true, default));
        return this;
    }

    public Picture Route(string pattern, string transport, int kind = 1)
    {
        Routes.Add(new(Routes.Count + 1, kind, pattern, transport, "", default));
        return this;
    }

    public Picture Forward(string address, bool keep, params string[] targets)
    {
        var at = Accounts.FindIndex(a => address == $"{a.LocalPart}@{Domains.Single(d => d.Id == a.DomainId).Name}");
        Accounts[at] = Accounts[at] with { Forward = targets, KeepsForwarded = keep };
        return this;
    }

    public AddressBook Book() => AddressBook.Build(Rows, Options);

    public AccountDirectory Directory() => new(() => Rows, Options);

    public IReadOnlyList<AddressProblem> Problems() => AddressRules.Problems(Rows, Options);

    public Resolution Resolve(string address, bool explain = false) => Resolver.Resolve(Book(), EmailAddress.TryParse(address)!, explain);

    /// <summary>The destinations as text: "bob@example.test", "bob@example.test/x", "→ x@far.example".</summary>
    public string[] Ends(string address) => Words(Resolve(address));

    public static string[] Words(Resolution resolution) =>
        [.. resolution.Destinations.Select(d => d switch
        {
            Destination.Local local => local.Address + (local.Detail is null ? "" : "/" + local.Detail),
            Destination.Foreign foreign => "→ " + foreign.Address,
            _ => "?",
        })];
}
