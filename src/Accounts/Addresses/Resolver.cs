using Posthorn.Accounts.Routes;
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
    readonly bool _owners;
    readonly List<Destination> _found = [];
    readonly List<AliasEntry> _path = [];
    readonly HashSet<(long AliasId, string? Tag)> _done = [];
    readonly List<(AccountEntry Account, string? Tag)> _forwarding = [];
    readonly HashSet<(long AccountId, string? Tag)> _forwarded = [];
    EmailAddress? _forwarder;
    bool _disabled;

    /// <param name="owners">Ends at accounts, wherever their mail goes from there.</param>
    Resolver(AddressBook book, bool explain = false, bool owners = false)
    {
        _book = book;
        _steps = explain ? [] : null;
        _owners = owners;
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
        switch (match.Kind)
        {
            case MatchKind.None when !book.Routes.HasOwn:
                return Unknown;
            case MatchKind.Account or MatchKind.Postmaster when match.Account!.Forward.Count == 0 && !book.Routes.HasOwn:
                return tag is null || !match.Account.Row.Enabled
                    ? match.Account.Direct
                    : new(ResolutionStatus.Found, [new Destination.Local(match.Account.Row.Id, match.Account.Address, tag)], []);
            case MatchKind.Alias when tag is null:
                return match.Alias!.Expanded ?? Keep(match.Alias, Follow(book, address));
            default:
                return Follow(book, address);
        }
    }

    /// <summary>Keeps an answer for the next time, unless it depends on which of many addresses was asked for.</summary>
    static Resolution Keep(AliasEntry alias, Resolution resolution)
    {
        if (alias.Pattern.Kind == PatternKind.Exact || resolution.Destinations.All(static d => d is not Destination.Foreign { ForwardedBy: not null })) alias.Expanded = resolution;
        return resolution;
    }

    /// <summary>The accounts that an address belongs to, wherever their mail goes from there.</summary>
    public static Resolution Owners(AddressBook book, EmailAddress address)
    {
        if (!book.IsLocalDomain(address.Domain)) return Foreign;
        var resolver = new Resolver(book, owners: true);
        resolver.Visit(address, null);
        return resolver.Result();
    }

    /// <summary>Expands one alias as if mail had come for it; <see cref="Broken"/> of the result says what is wrong with it.</summary>
    public static Resolver Trial(AddressBook book, AliasEntry alias)
    {
        var resolver = new Resolver(book);
        resolver.Follow(alias, null, null);
        return resolver;
    }

    static Resolution Follow(AddressBook book, EmailAddress address)
    {
        var resolver = new Resolver(book);
        resolver.Visit(address, null);
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
    /// <returns>True when it ends somewhere.</returns>
    bool Visit(EmailAddress address, string? carried)
    {
        var domain = _book.MainDomain(address.Domain);
        if (domain is null && !_book.IsLocalDomain(address.Domain))
        {
            _steps?.Add($"{address} is on another host: sent on");
            return Add(new Destination.Foreign(address, _forwarder));
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
            return false;
        }
        var match = _book.Find(domain, address.Domain, address.LocalPart);
        // A route takes whatever has no mailbox here; nobody has to stand in for the postmaster then.
        if (match.Kind is MatchKind.None or MatchKind.Postmaster && !_owners && _book.Routes.FindOwn(address) is { } route)
        {
            _steps?.Add($"{address} is no account and no alias: route {route.Name}: {route.Transport}");
            return Add(new Destination.Foreign(address));
        }
        // The alias on an account's own address names the account itself: that is the copy it keeps.
        var self = match.Kind == MatchKind.Alias && match.Account is not null && _path.Count > 0 && _path[^1].Row.Id == match.Alias!.Row.Id;
        var ownTag = Tag(address.LocalPart, match);
        if (_steps is not null) ExplainMatch(address, match, self, ownTag, carried);
        var tag = ownTag ?? carried;
        if (match.Kind == MatchKind.Alias && !self)
            return Follow(match.Alias!, address with { LocalPart = (match.TagAt < 0 ? address.LocalPart : address.LocalPart[..match.TagAt]).ToLowerInvariant() }, tag);
        return match.Account is { } account && Arrive(account, match.Kind == MatchKind.Postmaster ? null : tag);
    }

    bool Arrive(AccountEntry account, string? tag)
    {
        if (!account.Row.Enabled)
        {
            _disabled = true;
            return false;
        }
        if (_owners || account.Forward.Count == 0) return End(account, tag);
        var start = _forwarding.FindIndex(f => f.Account == account);
        if (start >= 0) return EndLoop(start);
        if (_forwarding.Count + _path.Count >= MaxDepth)
        {
            _steps?.Add($"more than {MaxDepth} forwards and aliases in a row: the mail stays with {account.Address}");
            return End(account, tag);
        }
        if (!_forwarded.Add((account.Row.Id, tag))) return true;
        if (account.Row.KeepsForwarded) End(account, tag);
        var (reached, before) = (false, _forwarder);
        _forwarder = account.Address;
        _forwarding.Add((account, tag));
        foreach (var target in account.Forward) reached |= Visit(target, tag);
        _forwarding.RemoveAt(_forwarding.Count - 1);
        _forwarder = before;
        if (reached || account.Row.KeepsForwarded) return true;
        _steps?.Add($"{account.Address} forwards to nobody who could take it: the mail stays there");
        return End(account, tag);
    }

    /// <summary>Accounts that forward to each other in a circle: each of them keeps the mail, so that it is not lost.</summary>
    bool EndLoop(int start)
    {
        _steps?.Add($"a circle of forwards: the mail stays with {InWords([.. _forwarding.Skip(start).Select(static f => f.Account.Address)])}");
        for (var i = start; i < _forwarding.Count; i++) End(_forwarding[i].Account, _forwarding[i].Tag);
        return true;
    }

    /// <summary>The account's mailbox, or what a route has put in its place.</summary>
    bool End(AccountEntry account, string? tag)
    {
        if (_owners || _book.Routes.FindOwn(account.Address) is not { } route)
            return Add(new Destination.Local(account.Row.Id, account.Address, tag));
        // Another server or agent may know what a tag is; of a file it would only make one more.
        var bare = tag is null || route.Transport.Kind is TransportKind.Mbox or TransportKind.Maildir;
        return Add(new Destination.Foreign(bare ? account.Address : account.Address with { LocalPart = account.Address.LocalPart + _book.Options.SubaddressSeparator + tag }));
    }

    /// <param name="forwarder">The address under which the alias was found.</param>
    bool Follow(AliasEntry alias, EmailAddress? forwarder, string? tag)
    {
        var loop = _path.Exists(a => a.Row.Id == alias.Row.Id);
        if (loop || _path.Count + _forwarding.Count >= MaxDepth)
        {
            var what = !loop ? $"more than {MaxDepth} aliases in a row" : "a loop";
            var words = $"{what}: {string.Join(" → ", _path.Select(a => a.Pattern))} → {alias.Pattern}";
            _steps?.Add(_forwarding.Count > 0 ? $"{words}: not followed" : $"{words}: put off (451)");
            // Who forwards into a loop has a mailbox: nothing needs to wait for somebody to mend it.
            if (_forwarding.Count == 0) Broken ??= words;
            return false;
        }
        // A wildcard has eaten the tag: it was part of what the star stood for.
        if (alias.Pattern.Kind is not (PatternKind.Exact or PatternKind.EveryDomain)) tag = null;
        if (!_done.Add((alias.Row.Id, tag))) return true;
        var (reached, before) = (false, _forwarder);
        _forwarder = forwarder;
        _path.Add(alias);
        foreach (var target in alias.Targets) reached |= Visit(target, tag);
        _path.RemoveAt(_path.Count - 1);
        _forwarder = before;
        return reached;
    }

    bool Add(Destination destination)
    {
        if (!_found.Contains(destination)) _found.Add(destination);
        return true;
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
                _steps!.Add(ExplainAccount(match.Account!, match.TagAt >= 0 ? $"{address} is no account; {match.Account!.Address} is" : $"{address} is an account", tag ?? carried));
                break;
            case MatchKind.Alias when self:
                _steps!.Add(ExplainAccount(match.Account!, $"{address} is the account itself", tag ?? carried));
                break;
            default:
                _steps!.Add(ExplainAlias(address, match, tag));
                break;
        }
    }

    string ExplainAccount(AccountEntry account, string start, string? tag)
    {
        if (!account.Row.Enabled) return $"{start}, but disabled: refused (550 5.2.1)";
        var end = _book.Routes.FindOwn(account.Address) is { } route ? $"route {route.Name}: {route.Transport}"
            : tag is null ? $"INBOX of {account.Address}"
            : $"folder {tag} of {account.Address} when it exists, else INBOX";
        if (account.Forward.Count == 0) return $"{start}: {end}";
        return $"{start}: forwards to {InWords(account.Forward)}" + (account.Row.KeepsForwarded ? $", and keeps: {end}" : ", and keeps nothing");
    }

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
