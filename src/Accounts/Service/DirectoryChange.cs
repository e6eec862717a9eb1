using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Routes;
using Posthorn.Storage;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Service;

/// <summary>
/// One change of the directory inside one unit of the store: rows are looked up, changed, and at the end checked together.
/// What is refused throws, and the unit is undone whole.
/// </summary>
sealed class DirectoryChange
{
    const int MaxForward = 20;

    readonly WriteUnit _unit;
    readonly AccountOptions _options;
    readonly DirectoryRows _before;

    // What there is now, kept up with each step, so that a plan of many steps does not read all rows for each.
    readonly Dictionary<string, DomainRow> _domains;
    readonly HashSet<(long DomainId, string LocalPart)> _accounts;
    readonly HashSet<string> _patterns;

    public DirectoryChange(WriteUnit unit, AccountOptions options)
    {
        _unit = unit;
        _options = options;
        _before = DirectoryRows.Load(unit);
        _domains = _before.Domains.ToDictionary(d => d.Name);
        _accounts = [.. _before.Accounts.Select(a => (a.DomainId, a.LocalPart))];
        _patterns = [.. _before.Aliases.Select(a => a.Pattern)];
    }

    public DirectoryTables Tables => _unit.Directory;

    /// <summary>The rows as they were when the change began.</summary>
    public DirectoryRows Before => _before;

    /// <summary>The rows as they are now, this change included.</summary>
    public DirectoryRows Rows => DirectoryRows.Load(_unit);

    /// <summary>Refuses when the change has brought a problem that was not there.</summary>
    /// <param name="removing">What is taken away, when the change is a removal; names it in the refusal.</param>
    public void Check(string? removing = null)
    {
        var problems = AddressRules.New(_before, Rows, _options);
        if (problems.Count == 0) return;
        var text = string.Join("; ", problems.Select(p => p.Text));
        throw removing is null
            ? new AccountRefusal(problems[0].Code, text)
            : new AccountRefusal("in-use", $"{removing} is still needed: without it {text}");
    }

    public static string DomainName(string text) =>
        EmailAddress.NormalizeDomain(text.Trim()) ?? throw new AccountRefusal("bad-input", $"\"{text}\" is no domain name");

    public static EmailAddress Address(string text) =>
        EmailAddress.TryParse(text.Trim()) ?? throw new AccountRefusal("bad-input", $"\"{text}\" is no address");

    public DomainRow Domain(string name) => _domains.GetValueOrDefault(DomainName(name)) ?? throw new AccountRefusal("not-found", $"there is no domain {name}");

    public static DomainRow? Find(IReadOnlyList<DomainRow> domains, string name) =>
        domains.FirstOrDefault(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>An account by its address (other names of its domain will do).</summary>
    public AccountRow Account(string text) => Account(_before, text);

    public static AccountRow Account(DirectoryRows rows, string text)
    {
        var address = Address(text);
        var domain = Find(rows.Domains, address.Domain);
        var id = domain?.AliasOf ?? domain?.Id;
        return rows.Accounts.FirstOrDefault(a => a.DomainId == id && a.LocalPart.Equals(address.LocalPart, StringComparison.OrdinalIgnoreCase))
            ?? throw new AccountRefusal("not-found", $"there is no account {address}");
    }

    public DomainRow AddDomain(string name, long? aliasOf)
    {
        name = DomainName(name);
        if (_domains.TryGetValue(name, out var there))
            throw new AccountRefusal("exists", there.AliasOf is null ? $"{name} is there already" : $"{name} is there already, as another name of {Main(there)}");
        return _domains[name] = Tables.AddDomain(name, aliasOf);
    }

    public void RemoveDomain(DomainRow row)
    {
        Tables.RemoveDomain(row.Id);
        _domains.Remove(row.Name);
    }

    public AccountRow AddAccount(string text, string name, string? hash, long quota, string language)
    {
        var address = Address(text);
        var domain = _domains.GetValueOrDefault(address.Domain)
            ?? throw new AccountRefusal("domain", $"{address.Domain} is not one of our domains: add it first");
        if (domain.AliasOf is not null)
            throw new AccountRefusal("domain", $"{domain.Name} is another name of {Main(domain)}: add {address with { Domain = Main(domain)! }}");
        var local = address.LocalPart.ToLowerInvariant();
        if (local.Contains(_options.SubaddressSeparator) || local.Contains('*'))
            throw new AccountRefusal("bad-input", $"{address}: an account cannot have \"{_options.SubaddressSeparator}\" (which parts off a tag) or \"*\" in its name");
        if (quota < 0) throw new AccountRefusal("bad-input", "a quota cannot be negative");
        if (hash is not null) Hash(hash);
        if (!_accounts.Add((domain.Id, local))) throw new AccountRefusal("exists", $"{address} is there already");
        var row = Tables.AddAccount(domain.Id, local, name, hash, quota, language);
        SpecialFolders.Make(_unit, row.Id, language);
        return row;
    }

    /// <summary>Refuses a password hash that no login could be checked against.</summary>
    public static void Hash(string hash)
    {
        if (!Credentials.PasswordHash.Recognises(hash))
            throw new AccountRefusal("bad-input", "the password hash is of no known kind (Argon2, PBKDF2, crypt(3), {SSHA}, …)");
    }

    public AliasRow AddAlias(string pattern, IReadOnlyList<string> targets)
    {
        var normal = Pattern(pattern);
        if (!_patterns.Add(normal)) throw new AccountRefusal("exists", $"alias {normal} is there already");
        return Tables.AddAlias(normal, Targets(normal, targets));
    }

    public static string Pattern(string text) =>
        AliasPattern.TryParse(text, out var pattern, out var reason) ? pattern.ToString() : throw new AccountRefusal("pattern", reason);

    /// <summary>The targets in their normal form, each once.</summary>
    public static IReadOnlyList<string> Targets(string pattern, IReadOnlyList<string> targets)
    {
        if (targets.Count == 0) throw new AccountRefusal("target", $"alias {pattern} leads nowhere: name at least one address");
        return [.. targets.Select(Address).Distinct().Select(a => a.ToString())];
    }

    /// <summary>The addresses of a forward in their normal form, each once.</summary>
    public static IReadOnlyList<string> Forward(IReadOnlyList<string> targets) =>
        targets.Count <= MaxForward ? [.. targets.Select(Address).Distinct().Select(a => a.ToString())]
        : throw new AccountRefusal("target", $"an account forwards to at most {MaxForward} addresses: make an alias for more");

    public void RemoveAlias(AliasRow row)
    {
        Tables.RemoveAlias(row.Id);
        _patterns.Remove(row.Pattern);
    }

    public void RemoveAccount(AccountRow row)
    {
        Tables.RemoveAccount(row.Id);
        _accounts.Remove((row.DomainId, row.LocalPart));
    }

    /// <param name="pattern">In its normal form; empty for the default.</param>
    public RouteRow AddRoute(RouteKind kind, string pattern, Transport transport, RouteSettings settings)
    {
        if (Tables.Routes().Any(r => r.Kind == (int)kind && r.Pattern == pattern))
            throw new AccountRefusal("exists", $"route {RouteRows.Name(kind, pattern)} is there already");
        return Tables.AddRoute((int)kind, pattern, transport.ToString(), RouteRows.Settings(settings));
    }

    string? Main(DomainRow alias) => _domains.Values.FirstOrDefault(d => d.Id == alias.AliasOf)?.Name;
}
