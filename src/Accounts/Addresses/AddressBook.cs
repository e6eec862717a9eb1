using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Addresses;

/// <summary>One of our domains; for another name of a domain, <see cref="Main"/> is that domain.</summary>
sealed class DomainEntry(DomainRow row)
{
    public DomainRow Row { get; } = row;
    public DomainEntry? Main { get; set; }
    public Dictionary<string, AccountEntry> Accounts { get; } = new(StringComparer.OrdinalIgnoreCase);
    public Dictionary<string, AliasEntry> Aliases { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Longest prefix first.</summary>
    public List<AliasEntry> Prefixes { get; } = [];

    public AliasEntry? CatchAll { get; set; }
    public AccountEntry? FirstAccount { get; set; }
}

/// <summary>One account with what its login needs.</summary>
sealed class AccountEntry
{
    byte[]? _stamp;

    public AccountEntry(AccountRow row, DomainRow domain)
    {
        Row = row;
        MayLogIn = row.Enabled && domain.Enabled;
        Address = new EmailAddress(row.LocalPart, domain.Name);
        Forward = [.. row.Forward.Select(EmailAddress.TryParse).OfType<EmailAddress>()];
        Direct = row.Enabled
            ? new Resolution(ResolutionStatus.Found, [new Destination.Local(row.Id, Address, null)], [])
            : new Resolution(ResolutionStatus.Disabled, [], []);
    }

    public AccountRow Row { get; }
    public EmailAddress Address { get; }

    /// <summary>Where its mail is sent on to.</summary>
    public IReadOnlyList<EmailAddress> Forward { get; }

    /// <summary>True when neither the account nor its domain is disabled.</summary>
    public bool MayLogIn { get; }

    /// <summary>The answer for the plain address when it is not sent on and no route takes it, made once.</summary>
    public Resolution Direct { get; }

    public List<AppPasswordRow> AppPasswords { get; } = [];

    /// <summary>Changes whenever anything about the account's password or its being enabled does; keys the login cache.</summary>
    public ReadOnlySpan<byte> CredentialStamp =>
        _stamp ??= SHA256.HashData(Encoding.UTF8.GetBytes($"{Row.Id}\n{Row.Created.UtcTicks}\n{Row.Enabled}\n{Row.PasswordHash}"));
}

/// <summary>One alias, its pattern and targets understood.</summary>
sealed class AliasEntry(AliasRow row, AliasPattern pattern, IReadOnlyList<EmailAddress> targets)
{
    public AliasRow Row { get; } = row;
    public AliasPattern Pattern { get; } = pattern;
    public IReadOnlyList<EmailAddress> Targets { get; } = targets;

    /// <summary>The answer for an address without a tag, made at first use; the picture is immutable, so a race makes it twice at worst.</summary>
    public Resolution? Expanded { get; set; }
}

/// <summary>How an address was found.</summary>
enum MatchKind { None, Account, Alias, Postmaster }

/// <summary>What one address is: an account, an alias, the postmaster's stand-in, or nothing.</summary>
/// <param name="TagAt">The index of the separator when the match is by the base of a subaddress; else -1.</param>
readonly record struct Match(MatchKind Kind, AccountEntry? Account, AliasEntry? Alias, int TagAt);

/// <summary>
/// Domains, accounts and aliases of one moment, indexed. Immutable once built; a row that cannot be understood is left out
/// (<see cref="AddressRules"/> names it) and never stops the others.
/// </summary>
sealed class AddressBook
{
    readonly Dictionary<string, DomainEntry> _domains = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<string, DomainEntry>.AlternateLookup<ReadOnlySpan<char>> _domainBySpan;
    readonly Dictionary<string, AliasEntry> _everywhere = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<string, AliasEntry> _below = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<long, AccountEntry> _accounts = [];

    AddressBook(DirectoryRows rows, AccountOptions options)
    {
        Rows = rows;
        Options = options;
        Routes = RouteRows.Book(rows.Routes);
        _domainBySpan = _domains.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public DirectoryRows Rows { get; }
    public AccountOptions Options { get; }
    public RouteBook Routes { get; }
    public AccountEntry? FirstAccount { get; private set; }

    /// <summary>The domain of lowest id that is not another's name: stands in where one must be named.</summary>
    public DomainEntry? FirstDomain { get; private set; }

    public static AddressBook Build(DirectoryRows rows, AccountOptions options)
    {
        var book = new AddressBook(rows, options);
        book.AddDomains();
        book.AddAccounts();
        foreach (var row in rows.Aliases) book.AddAlias(row);
        foreach (var entry in book._domains.Values)
            entry.Prefixes.Sort((a, b) => b.Pattern.Local.Length.CompareTo(a.Pattern.Local.Length));
        return book;
    }

    public AccountEntry? Account(long id) => _accounts.GetValueOrDefault(id);

    public bool IsLocalDomain(string domain) => _domains.ContainsKey(domain) || Below(domain) is not null;

    /// <summary>The entry under this very name, which may be another name of a domain.</summary>
    public DomainEntry? DomainNamed(string name) => _domains.GetValueOrDefault(name);

    /// <summary>The entry of a domain, behind its other name where it has one; null when it is no domain of ours by row.</summary>
    public DomainEntry? MainDomain(string domain) => _domainBySpan.TryGetValue(domain, out var entry) ? entry.Main ?? entry : null;

    /// <summary>True for a domain of ours by row, and for every name below one: there <c>*@*.name</c> may stand.</summary>
    public bool IsUnderDomain(ReadOnlySpan<char> name)
    {
        while (!_domainBySpan.ContainsKey(name))
        {
            var dot = name.IndexOf('.');
            if (dot < 0) return false;
            name = name[(dot + 1)..];
        }
        return true;
    }

    /// <summary>
    /// What <paramref name="local"/> is in <paramref name="domain"/> (null for a subdomain that is ours only by a pattern).
    /// The order is the contract of docs/addresses.md.
    /// </summary>
    public Match Find(DomainEntry? domain, string domainName, ReadOnlySpan<char> local)
    {
        var tag = local.IndexOf(Options.SubaddressSeparator);
        if (domain is not null)
        {
            if (Named(domain, local, -1, out var match)) return match;
            if (tag > 0 && Named(domain, local[..tag], tag, out match)) return match;
        }
        var everywhere = _everywhere.GetAlternateLookup<ReadOnlySpan<char>>();
        if (everywhere.TryGetValue(local, out var alias)) return new(MatchKind.Alias, null, alias, -1);
        if (tag > 0 && everywhere.TryGetValue(local[..tag], out alias)) return new(MatchKind.Alias, null, alias, tag);
        if (domain is not null)
        {
            foreach (var prefix in domain.Prefixes)
                if (local.StartsWith(prefix.Pattern.Local, StringComparison.OrdinalIgnoreCase)) return new(MatchKind.Alias, null, prefix, -1);
            if (domain.CatchAll is not null) return new(MatchKind.Alias, null, domain.CatchAll, -1);
        }
        if (Below(domainName) is { } below) return new(MatchKind.Alias, null, below, -1);
        // RFC 5321 §4.5.1: "postmaster" must always be accepted for a domain that takes mail.
        if (local.Equals("postmaster", StringComparison.OrdinalIgnoreCase) && (domain?.FirstAccount ?? FirstAccount) is { } first)
            return new(MatchKind.Postmaster, first, null, -1);
        return default;
    }

    // An alias on an account's own address (kept as a copy, see AddressRules) goes before the account.
    static bool Named(DomainEntry domain, ReadOnlySpan<char> local, int tagAt, out Match match)
    {
        domain.Accounts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(local, out var account);
        match = domain.Aliases.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(local, out var alias)
            ? new(MatchKind.Alias, account, alias, tagAt)
            : new(account is null ? MatchKind.None : MatchKind.Account, account, null, tagAt);
        return match.Kind != MatchKind.None;
    }

    /// <summary>The most specific <c>*@*.domain</c> above this name.</summary>
    AliasEntry? Below(ReadOnlySpan<char> name)
    {
        if (_below.Count == 0) return null;
        var below = _below.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.'))
        {
            name = name[(dot + 1)..];
            if (below.TryGetValue(name, out var alias)) return alias;
        }
        return null;
    }

    void AddDomains()
    {
        var byId = new Dictionary<long, DomainEntry>();
        foreach (var row in Rows.Domains) byId[row.Id] = new DomainEntry(row);
        foreach (var entry in byId.Values)
        {
            var main = entry;
            for (var hops = 0; main?.Row.AliasOf is { } next; hops++)
                main = hops < 10 ? byId.GetValueOrDefault(next) : null;
            if (main is null) continue; // another name of nothing: not ours
            entry.Main = main == entry ? null : main;
            _domains[entry.Row.Name] = entry;
            if (entry.Main is null && (FirstDomain is null || entry.Row.Id < FirstDomain.Row.Id)) FirstDomain = entry;
        }
    }

    void AddAccounts()
    {
        var byId = new Dictionary<long, DomainEntry>();
        foreach (var entry in _domains.Values) byId[entry.Row.Id] = entry;
        foreach (var row in Rows.Accounts)
        {
            if (!byId.TryGetValue(row.DomainId, out var domain)) continue;
            var account = new AccountEntry(row, domain.Row);
            _accounts[row.Id] = account;
            domain.Accounts[row.LocalPart] = account;
            if (!row.Enabled) continue;
            if (domain.FirstAccount is null || row.Id < domain.FirstAccount.Row.Id) domain.FirstAccount = account;
            if (domain.Row.Enabled && (FirstAccount is null || row.Id < FirstAccount.Row.Id)) FirstAccount = account;
        }
        foreach (var row in Rows.AppPasswords)
            if (_accounts.TryGetValue(row.AccountId, out var owner)) owner.AppPasswords.Add(row);
    }

    void AddAlias(AliasRow row)
    {
        if (!row.Enabled || !TryRead(row, out var alias)) return;
        if (alias.Pattern.Kind == PatternKind.EveryDomain) { _everywhere[alias.Pattern.Local] = alias; return; }
        if (alias.Pattern.Kind == PatternKind.Subdomains)
        {
            if (IsUnderDomain(alias.Pattern.Domain)) _below[alias.Pattern.Domain] = alias;
            return;
        }
        if (!_domains.TryGetValue(alias.Pattern.Domain, out var domain)) return;
        switch (alias.Pattern.Kind)
        {
            case PatternKind.Exact: domain.Aliases[alias.Pattern.Local] = alias; break;
            case PatternKind.Prefix: domain.Prefixes.Add(alias); break;
            default: domain.CatchAll = alias; break;
        }
    }

    /// <summary>Reads an alias row; false when its pattern or one of its targets is not what it should be.</summary>
    public static bool TryRead(AliasRow row, [NotNullWhen(true)] out AliasEntry? alias)
    {
        alias = null;
        if (!AliasPattern.TryParse(row.Pattern, out var pattern, out _)) return false;
        var targets = new List<EmailAddress>(row.Targets.Count);
        foreach (var text in row.Targets)
        {
            if (EmailAddress.TryParse(text) is not { } target) return false;
            targets.Add(target);
        }
        alias = new AliasEntry(row, pattern, targets);
        return true;
    }
}
