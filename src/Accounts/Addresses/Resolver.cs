using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Addresses;

/// <summary>Follows one address to its destinations; with steps in words when asked. One use, one thread.</summary>
sealed class Resolver
{
    /// <summary>How many aliases may stand in a row.</summary>
    public const int MaxDepth = 10;

    static readonly Resolution Unknown = new(ResolutionStatus.NoSuchUser, [], []);
    static readonly Resolution Foreign = new(ResolutionStatus.NotLocal, [], []);
    static readonly Resolution Off = new(ResolutionStatus.Disabled, [], []);

    readonly AddressBook _book;
    readonly List<string>? _steps;
    readonly List<Destination> _found = [];
    readonly List<AliasEntry> _path = [];
    readonly HashSet<(long AliasId, string? Tag)> _done = [];
    bool _disabled;

    Resolver(AddressBook book, bool explain)
    {
        _book = book;
        _steps = explain ? [] : null;
    }

    /// <summary>The aliases of a loop or of too long a chain, in words; null when there is none.</summary>
    public string? Broken { get; private set; }

    public static Resolution Resolve(AddressBook book, EmailAddress address, bool explain)
    {
        if (explain) return Explain(book, address);
        var domain = book.MainDomain(address.Domain);
        if (domain is null ? !book.IsLocalDomain(address.Domain) : !domain.Row.Enabled) return domain is null ? Foreign : Off;
        var match = book.Find(domain, domain?.Row.Name ?? address.Domain, address.LocalPart);
        var tag = Tag(address.LocalPart, match);
        if (match.Kind == MatchKind.None) return Unknown;
        if (match.Kind is MatchKind.Account or MatchKind.Postmaster)
            return tag is null || !match.Account!.Row.Enabled
                ? match.Account!.Direct
                : new(ResolutionStatus.Found, [new Destination.Local(match.Account.Row.Id, match.Account.Address, tag)], []);
        if (tag is not null) return Expand(book, match.Alias!, tag);
        return match.Alias!.Expanded ??= Expand(book, match.Alias, null);
    }

    /// <summary>Expands one alias as if mail had come for it; <see cref="Broken"/> of the result says what is wrong with it.</summary>
    public static Resolver Trial(AddressBook book, AliasEntry alias)
    {
        var resolver = new Resolver(book, explain: false);
        resolver.Follow(alias, null);
        return resolver;
    }

    static Resolution Expand(AddressBook book, AliasEntry alias, string? tag)
    {
        var resolver = new Resolver(book, explain: false);
        resolver.Follow(alias, tag);
        return resolver.Result();
    }

    static Resolution Explain(AddressBook book, EmailAddress address)
    {
        var resolver = new Resolver(book, explain: true);
        if (!book.IsLocalDomain(address.Domain))
            return Foreign with { Steps = [$"{address.Domain} is not one of our domains: mail for {address} goes to another host, and only from those who may relay"] };
        resolver.Visit(address, null);
        return resolver.Result();
    }

    Resolution Result()
    {
        IReadOnlyList<string> steps = _steps is null ? [] : _steps;
        // A part of the mail must not get lost because another part loops: the whole is put off until someone has mended it.
        if (Broken is not null) return new(ResolutionStatus.Broken, [], steps);
        if (_found.Count > 0) return new(ResolutionStatus.Found, [.. _found], steps);
        return new(_disabled ? ResolutionStatus.Disabled : ResolutionStatus.NoSuchUser, [], steps);
    }

    static string? Tag(string local, in Match match) =>
        match.TagAt < 0 || match.TagAt == local.Length - 1 ? null : local[(match.TagAt + 1)..];

    /// <param name="carried">The tag that came with the address that led here.</param>
    void Visit(EmailAddress address, string? carried)
    {
        var domain = _book.MainDomain(address.Domain);
        if (domain is null && !_book.IsLocalDomain(address.Domain))
        {
            Add(new Destination.Foreign(address));
            _steps?.Add($"{address} is on another host: sent on");
            return;
        }
        if (domain is not null && domain.Row.Name != address.Domain)
        {
            var main = address with { Domain = domain.Row.Name };
            _steps?.Add($"{address.Domain} is another name of {domain.Row.Name}: {main}");
            address = main;
        }
        if (domain is { Row.Enabled: false })
        {
            _disabled = true;
            _steps?.Add($"{address.Domain} is switched off: refused (550 5.2.1)");
            return;
        }
        var match = _book.Find(domain, address.Domain, address.LocalPart);
        // The alias on an account's own address names the account itself: that is the copy it keeps.
        var self = match.Kind == MatchKind.Alias && match.Account is not null && _path.Count > 0 && _path[^1].Row.Id == match.Alias!.Row.Id;
        var ownTag = Tag(address.LocalPart, match);
        if (_steps is not null) ExplainMatch(address, match, self, ownTag, carried);
        var tag = ownTag ?? carried;
        if (match.Kind == MatchKind.Alias && !self) Follow(match.Alias!, tag);
        else if (match.Account is { } account) Arrive(account, match.Kind == MatchKind.Postmaster ? null : tag);
    }

    void Arrive(AccountEntry account, string? tag)
    {
        if (!account.Row.Enabled) _disabled = true;
        else Add(new Destination.Local(account.Row.Id, account.Address, tag));
    }

    void Follow(AliasEntry alias, string? tag)
    {
        var loop = _path.Exists(a => a.Row.Id == alias.Row.Id);
        if (loop || _path.Count == MaxDepth)
        {
            var what = !loop ? $"more than {MaxDepth} aliases in a row" : "a loop";
            Broken ??= $"{what}: {string.Join(" → ", _path.Select(a => a.Pattern))} → {alias.Pattern}";
            _steps?.Add($"{Broken}: put off (451)");
            return;
        }
        // A wildcard has eaten the tag: it was part of what the star stood for.
        if (alias.Pattern.Kind is not (PatternKind.Exact or PatternKind.EveryDomain)) tag = null;
        if (!_done.Add((alias.Row.Id, tag))) return;
        _path.Add(alias);
        foreach (var target in alias.Targets) Visit(target, tag);
        _path.RemoveAt(_path.Count - 1);
    }

    void Add(Destination destination)
    {
        if (!_found.Contains(destination)) _found.Add(destination);
    }

    void ExplainMatch(EmailAddress address, in Match match, bool self, string? tag, string? carried)
    {
        switch (match.Kind)
        {
            case MatchKind.None:
                _steps!.Add($"{address} is no account, no alias and matches no pattern: refused as unknown (550 5.1.1)");
                break;
            case MatchKind.Postmaster:
                _steps!.Add($"{address}: no account or alias of this name, but every domain has a postmaster (RFC 5321 §4.5.1), so the first account stands in: {match.Account!.Address}");
                break;
            case MatchKind.Account:
                _steps!.Add(ExplainAccount(address, match.Account!, match.TagAt >= 0 ? $"{address} is no account; {match.Account!.Address} is" : $"{address} is an account", tag ?? carried));
                break;
            case MatchKind.Alias when self:
                _steps!.Add(ExplainAccount(address, match.Account!, $"{address} is the account itself", tag ?? carried));
                break;
            default:
                _steps!.Add(ExplainAlias(address, match, tag));
                break;
        }
    }

    static string ExplainAccount(EmailAddress address, AccountEntry account, string start, string? tag) =>
        !account.Row.Enabled ? $"{start}, but disabled: refused (550 5.2.1)"
        : tag is null ? $"{start}: INBOX of {account.Address}"
        : $"{start}: folder {tag} of {account.Address} when it exists, else INBOX";

    string ExplainAlias(EmailAddress address, in Match match, string? tag)
    {
        var alias = match.Alias!;
        var targets = InWords(alias.Targets);
        var with = tag is null ? "" : $" (the tag {tag} goes with it)";
        var named = match.TagAt < 0 ? $"{address} is" : $"{address} is no account; {address with { LocalPart = address.LocalPart[..match.TagAt] }} is";
        return alias.Pattern.Kind switch
        {
            PatternKind.Exact when match.Account is not null => $"{named} an account with an alias of the same name: {targets}{with}",
            PatternKind.Exact => $"{named} an alias: {targets}{with}",
            PatternKind.EveryDomain => $"{address} matches {alias.Pattern} (in all our domains): {targets}{with}",
            PatternKind.Prefix => $"{address} is no account and no alias, but matches {alias.Pattern}: {targets}",
            PatternKind.CatchAll => $"{address} is no account and no alias; {alias.Pattern} catches the rest: {targets}",
            _ => $"{address} is in a subdomain; {alias.Pattern} catches it: {targets}",
        };
    }

    static string InWords(IReadOnlyList<EmailAddress> addresses) => addresses.Count switch
    {
        1 => addresses[0].ToString(),
        _ => string.Join(", ", addresses.Take(addresses.Count - 1)) + " and " + addresses[^1],
    };
}
