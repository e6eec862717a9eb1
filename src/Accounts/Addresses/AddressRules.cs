using Posthorn.Accounts.Routes;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Addresses;

/// <summary>One thing that is wrong with what is stored about addresses.</summary>
/// <param name="Code">A short word for programs: pattern, domain, account, target, loop, route.</param>
/// <param name="Text">The same for people, a whole sentence without a full stop.</param>
readonly record struct AddressProblem(string Code, string Text);

/// <summary>
/// What must hold of all rows together. A change is refused when it brings a problem that was not there before, so one old
/// fault never blocks the mending of another.
/// </summary>
static class AddressRules
{
    public static IReadOnlyList<AddressProblem> Problems(DirectoryRows rows, AccountOptions options)
    {
        var problems = new List<AddressProblem>();
        var book = AddressBook.Build(rows, options);
        var domains = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var domain in rows.Domains)
        {
            if (!domains.Add(domain.Name)) problems.Add(new("domain", $"{domain.Name} is there twice"));
            if (domain.AliasOf is not null && book.DomainNamed(domain.Name)?.Main is null)
                problems.Add(new("domain", $"{domain.Name} is another name of a domain that is not there"));
        }
        var own = rows.Domains.Where(d => d.AliasOf is null).Select(d => d.Id).ToHashSet();
        foreach (var account in rows.Accounts)
            if (!own.Contains(account.DomainId))
                problems.Add(new("account", $"account {account.LocalPart} is in no domain of its own"));
        foreach (var alias in rows.Aliases)
            if (alias.Enabled) Check(book, alias, problems);
        foreach (var account in rows.Accounts)
            if (account.Forward.Count > 0) CheckForward(book, account, problems);
        foreach (var route in rows.Routes) CheckRoute(book, route, problems);
        return problems;
    }

    /// <summary>The problems of <paramref name="after"/> that <paramref name="before"/> did not have.</summary>
    public static IReadOnlyList<AddressProblem> New(DirectoryRows before, DirectoryRows after, AccountOptions options)
    {
        var now = Problems(after, options);
        if (now.Count == 0) return now;
        var old = Problems(before, options).ToHashSet();
        return [.. now.Where(p => !old.Contains(p))];
    }

    static void Check(AddressBook book, AliasRow row, List<AddressProblem> problems)
    {
        if (!AddressBook.TryRead(row, out var alias))
        {
            problems.Add(AliasPattern.TryParse(row.Pattern, out _, out var reason)
                ? new("target", $"alias {row.Pattern}: \"{row.Targets.First(t => EmailAddress.TryParse(t) is null)}\" is no address")
                : new("pattern", $"alias {reason}"));
            return;
        }
        if (alias.Targets.Count == 0) problems.Add(new("target", $"alias {alias.Pattern} leads nowhere: name at least one address"));
        if (!CheckDomain(book, alias, problems)) return;
        CheckTargets(book, alias, problems);
    }

    static bool CheckDomain(AddressBook book, AliasEntry alias, List<AddressProblem> problems)
    {
        var pattern = alias.Pattern;
        if (pattern.Kind == PatternKind.EveryDomain) return true;
        if (pattern.Kind == PatternKind.Subdomains && book.IsUnderDomain(pattern.Domain)) return true;
        if (book.DomainNamed(pattern.Domain) is not { } domain)
        {
            problems.Add(new("domain", $"alias {pattern}: {pattern.Domain} is not one of our domains"));
            return false;
        }
        if (domain.Main is null) return true;
        problems.Add(new("domain",
            $"alias {pattern}: {pattern.Domain} is another name of {domain.Main.Row.Name}: write {pattern with { Domain = domain.Main.Row.Name }}"));
        return false;
    }

    static void CheckTargets(AddressBook book, AliasEntry alias, List<AddressProblem> problems)
    {
        var account = alias.Pattern.Kind == PatternKind.Exact
            ? book.MainDomain(alias.Pattern.Domain)!.Accounts.GetValueOrDefault(alias.Pattern.Local)
            : null;
        var keepsCopy = false;
        foreach (var target in alias.Targets)
        {
            if (!IsThere(book, target, out var match))
                problems.Add(new("target", $"alias {alias.Pattern} leads to {target}, but there is no such address here"));
            keepsCopy |= account is not null && match.Account == account;
        }
        if (account is not null && !keepsCopy)
            problems.Add(new("account",
                $"alias {alias.Pattern}: this is an account, which would get no more mail; to send copies on, name {account.Address} among the targets too"));
        if (Resolver.Trial(book, alias).Broken is { } broken)
            problems.Add(new("loop", $"alias {alias.Pattern} leads into {broken}"));
    }

    /// <summary>True for an address elsewhere, and for one here that something stands for.</summary>
    static bool IsThere(AddressBook book, EmailAddress target, out Match match)
    {
        match = default;
        var domain = book.MainDomain(target.Domain);
        if (domain is null && !book.IsLocalDomain(target.Domain)) return true;
        var name = domain?.Row.Name ?? target.Domain;
        match = book.Find(domain, name, target.LocalPart);
        return match.Kind != MatchKind.None || book.Routes.FindOwn(target with { Domain = name }) is not null;
    }

    static void CheckForward(AddressBook book, AccountRow row, List<AddressProblem> problems)
    {
        if (book.Account(row.Id) is not { } account) return;
        foreach (var text in row.Forward)
        {
            if (EmailAddress.TryParse(text) is not { } target) problems.Add(new("target", $"account {account.Address} forwards to \"{text}\", which is no address"));
            else if (!IsThere(book, target, out _)) problems.Add(new("target", $"account {account.Address} forwards to {target}, but there is no such address here"));
        }
    }

    static void CheckRoute(AddressBook book, RouteRow row, List<AddressProblem> problems)
    {
        if (!RouteRows.TryRead(row, out var route))
        {
            problems.Add(new("route", $"route \"{row.Pattern}\" to \"{row.Transport}\" cannot be understood"));
            return;
        }
        if (route.Kind != RouteKind.Recipient || !RoutePattern.TryParse(row.Pattern, out var pattern, out _) || pattern.Kind == RoutePatternKind.Subdomains) return;
        // Addresses get the main name of their domain before routes are asked.
        if (book.DomainNamed(pattern.Domain)?.Main is { } main)
            problems.Add(new("domain", $"route {pattern}: {pattern.Domain} is another name of {main.Row.Name}: write {pattern with { Domain = main.Row.Name }}"));
    }
}
