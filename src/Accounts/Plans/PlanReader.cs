using System.Globalization;
using System.Text.Json;
using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Credentials;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Plans;

/// <summary>Reads a plan. What is not known is refused with its path and line: a slip of the pen must not change anything.</summary>
static class PlanReader
{
    /// <summary>Units of a quota, each 1,024 of the one before.</summary>
    public static readonly IReadOnlyList<string> Units = ["", "K", "M", "G", "T"];

    public static Plan Read(ReadOnlySpan<byte> json)
    {
        var domains = new List<PlanDomain>();
        var accounts = new List<PlanAccount>();
        var aliases = new List<PlanAlias>();
        var routes = new List<PlanRoute>();
        foreach (var (name, section) in Members(PlanNode.Read(json)))
        {
            switch (name)
            {
                case "domains": foreach (var (key, value) in Members(section)) domains.Add(Domain(key, value)); break;
                case "accounts": foreach (var (key, value) in Members(section)) accounts.Add(Account(key, value)); break;
                case "aliases": foreach (var (key, value) in Members(section)) aliases.Add(Alias(key, value)); break;
                case "routes": foreach (var (key, value) in Members(section)) routes.Add(PlanRoutes.Read(key, value)); break;
                default: throw section.Wrong("unknown; there are domains, accounts, aliases and routes");
            }
        }
        return new(domains, accounts, aliases) { Routes = routes };
    }

    static PlanDomain Domain(string key, PlanNode node)
    {
        var name = EmailAddress.NormalizeDomain(key) ?? throw node.Wrong("this is no domain name");
        if (node.Kind == JsonTokenType.StartArray) return new(name, Names(node));
        var domain = new PlanDomain(name, []);
        foreach (var (member, value) in Members(node))
            domain = member switch
            {
                "aliases" => domain with { Aliases = Names(value) },
                "enabled" => domain with { Enabled = Bool(value) },
                _ => throw value.Wrong("unknown; a domain has aliases and enabled"),
            };
        return domain;
    }

    static PlanAccount Account(string key, PlanNode node)
    {
        var address = EmailAddress.TryParse(key) ?? throw node.Wrong("this is no address");
        var account = new PlanAccount((address with { LocalPart = address.LocalPart.ToLowerInvariant() }).ToString(), null);
        if (node.Kind == JsonTokenType.String) return account with { Hash = Hash(node) };
        foreach (var (member, value) in Members(node))
            account = member switch
            {
                "name" => account with { Name = Text(value) },
                "quota" => account with { Quota = Size(value) },
                "messageQuota" => account with { MessageQuota = Count(value) },
                "language" => account with { Language = Text(value) },
                "enabled" => account with { Enabled = Bool(value) },
                "forward" => account with { Forward = Targets(value) },
                "keep" => account with { KeepsForwarded = Bool(value) },
                "hash" => account with { Hash = Hash(value) },
                "salt" => account with { Salt = Salt(value) },
                "appPasswords" => account with { AppPasswords = AppPasswords(value) },
                _ => throw value.Wrong("unknown; an account has name, quota, messageQuota, language, enabled, forward, keep, hash, salt and appPasswords"),
            };
        if (!account.KeepsForwarded && account.Forward.Count == 0) throw node.Wrong("\"keep\" is for \"forward\", and there is none");
        // Keys without the salt they were made with would be app passwords that never log in.
        if (account.Salt is null != account.AppPasswords is null or { Count: 0 })
            throw node.Wrong(account.Salt is null ? "\"appPasswords\" need the \"salt\" they were made with" : "a \"salt\" is for \"appPasswords\", and there are none");
        return account;
    }

    static List<PlanAppPassword> AppPasswords(PlanNode node)
    {
        var passwords = new List<PlanAppPassword>();
        foreach (var (name, value) in Members(node))
        {
            if (!AppPassword.IsName(name) || name != name.Trim()) throw value.Wrong("an app password has a name of 1 to 100 characters");
            if (passwords.Exists(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) throw value.Wrong("this is there twice");
            passwords.Add(Password(name, value));
        }
        return passwords;
    }

    static PlanAppPassword Password(string name, PlanNode node)
    {
        if (node.Kind == JsonTokenType.String) return new(name, Keys(node));
        var password = new PlanAppPassword(name, "");
        foreach (var (member, value) in Members(node))
            password = member switch
            {
                "keys" => password with { Keys = Keys(value) },
                "scopes" => password with { Scopes = Scopes(value) },
                "expires" => password with { Expires = PlanAppPassword.TryTime(Text(value), out var end) ? end : throw value.Wrong("this is no time; write 2030-12-31T23:59:59Z") },
                _ => throw value.Wrong("unknown; an app password has keys, scopes and expires"),
            };
        return password.Keys != "" ? password : throw node.Wrong("\"keys\" is missing");
    }

    static string Keys(PlanNode node) =>
        PlanAppPassword.TryKeys(Text(node), out _) ? node.Text : throw node.Wrong("these are no keys of an app password (and app passwords themselves are never in a plan)");

    static string Scopes(PlanNode node) =>
        string.Join(' ', Items(node).Select(item => AppPassword.Scopes.Contains(Text(item)) ? item.Text
            : throw item.Wrong($"this is no scope; there are {string.Join(", ", AppPassword.Scopes)}")).Distinct());

    static string Salt(PlanNode node) =>
        PlanAppPassword.TryOctets(Text(node), AppPassword.SaltLength, out _) ? node.Text : throw node.Wrong("this is no salt of an account");

    static PlanAlias Alias(string key, PlanNode node)
    {
        if (!AliasPattern.TryParse(key, out var pattern, out var reason)) throw node.Wrong(reason);
        if (node.Kind != JsonTokenType.StartObject) return new(pattern.ToString(), Targets(node));
        var alias = new PlanAlias(pattern.ToString(), []);
        foreach (var (member, value) in Members(node))
            alias = member switch
            {
                "to" => alias with { Targets = Targets(value) },
                "enabled" => alias with { Enabled = Bool(value) },
                _ => throw value.Wrong("unknown; an alias has to and enabled"),
            };
        return alias.Targets.Count > 0 ? alias : throw node.Wrong("\"to\" is missing");
    }

    static IReadOnlyList<string> Names(PlanNode node) =>
        [.. Items(node).Select(item => EmailAddress.NormalizeDomain(Text(item)) ?? throw item.Wrong("this is no domain name"))];

    static IReadOnlyList<string> Targets(PlanNode node)
    {
        IReadOnlyList<PlanNode> items = node.Kind == JsonTokenType.String ? [node] : Items(node);
        if (items.Count == 0) throw node.Wrong("name at least one address");
        return [.. items.Select(item => EmailAddress.TryParse(Text(item)) ?? throw item.Wrong("this is no address")).Distinct().Select(a => a.ToString())];
    }

    static string Hash(PlanNode node) =>
        PasswordHash.Recognises(Text(node)) ? node.Text : throw node.Wrong("this is no password hash of a known kind (and passwords themselves are never in a plan)");

    static long Size(PlanNode node)
    {
        if (node.Kind is not (JsonTokenType.Number or JsonTokenType.String)) throw node.Wrong("a number of octets or a text such as \"2G\" is wanted");
        return TrySize(node.Text, out var size) ? size : throw node.Wrong("this is no size; write 500M or 2G");
    }

    static long Count(PlanNode node) => node.Kind == JsonTokenType.Number && long.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        ? count : throw node.Wrong("a number of messages is wanted");

    /// <summary>Octets, with K, M, G or T for powers of 1,024.</summary>
    public static bool TrySize(string text, out long size)
    {
        size = 0;
        text = text.Trim();
        var unit = 0;
        for (var i = 1; i < Units.Count; i++)
            if (text.EndsWith(Units[i], StringComparison.OrdinalIgnoreCase)) unit = i;
        var digits = text.AsSpan(0, text.Length - Units[unit].Length).TrimEnd();
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size > long.MaxValue >> (10 * unit)) return false;
        size <<= 10 * unit;
        return true;
    }

    static bool Bool(PlanNode node) => node.Kind switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw node.Wrong("true or false is wanted"),
    };

    static string Text(PlanNode node) => node.Kind == JsonTokenType.String ? node.Text : throw node.Wrong("a text is wanted");

    static List<PlanNode> Items(PlanNode node) => node.Kind == JsonTokenType.StartArray ? node.Items : throw node.Wrong("a list is wanted");

    static List<(string Name, PlanNode Value)> Members(PlanNode node) =>
        node.Kind == JsonTokenType.StartObject ? node.Members : throw node.Wrong("an object is wanted");
}
