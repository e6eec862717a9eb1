using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Service;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Plans;

/// <summary>What a step of a plan does.</summary>
public enum PlanChangeKind { Add, Change, Remove }

/// <summary>One step from what is stored to what a plan says.</summary>
/// <param name="Subject">The domain, address or pattern concerned.</param>
/// <param name="Text">The step in words.</param>
public sealed record PlanChange(PlanChangeKind Kind, string Subject, string Text)
{
    /// <summary>Does it; looks rows up by name, since those before it may just have made them.</summary>
    internal Action<DirectoryChange> Run { get; init; } = static _ => { };

    /// <summary>"+", "~" or "-", and the words.</summary>
    public override string ToString() => (Kind switch { PlanChangeKind.Add => "+ ", PlanChangeKind.Change => "~ ", _ => "- " }) + Text;
}

/// <summary>
/// Compares a plan with what is stored. The steps stand in an order in which each can be done: aliases go first and come
/// last, domains come before their accounts and go after them.
/// </summary>
sealed class PlanDiff
{
    readonly Plan _plan;
    readonly DirectoryRows _rows;
    readonly bool _prune;
    readonly List<PlanChange> _steps = [];
    readonly Dictionary<long, string> _names;
    readonly Dictionary<string, AccountRow> _accounts = [];
    readonly ILookup<long, AppPasswordRow> _passwords;

    PlanDiff(Plan plan, DirectoryRows rows, bool prune)
    {
        (_plan, _rows, _prune) = (plan, rows, prune);
        _names = rows.Domains.ToDictionary(d => d.Id, d => d.Name);
        _passwords = rows.AppPasswords.ToLookup(p => p.AccountId);
        foreach (var row in rows.Accounts)
            if (_names.TryGetValue(row.DomainId, out var domain)) _accounts[new EmailAddress(row.LocalPart, domain).Key] = row;
    }

    public static IReadOnlyList<PlanChange> Of(Plan plan, DirectoryRows rows, bool prune)
    {
        var diff = new PlanDiff(plan, rows, prune);
        diff.RemoveAliases();
        diff.Domains();
        diff.Accounts();
        diff.RemoveDomains();
        diff.Aliases();
        diff._steps.AddRange(PlanRouteSteps.Of(plan.Routes, rows.Routes, prune));
        return diff._steps;
    }

    void Step(PlanChangeKind kind, string subject, string text, Action<DirectoryChange> run) => _steps.Add(new(kind, subject, text) { Run = run });

    void Domains()
    {
        foreach (var wanted in _plan.Domains)
        {
            var there = DirectoryChange.Find(_rows.Domains, wanted.Name);
            if (there is null) Step(PlanChangeKind.Add, wanted.Name, $"domain {wanted.Name}", c => c.AddDomain(wanted.Name, null));
            else if (there.AliasOf is { } main)
                throw new AccountRefusal("plan", $"domains.{wanted.Name}: it is another name of {_names.GetValueOrDefault(main)} now: remove that first");
            if ((there?.Enabled ?? true) != wanted.Enabled)
                Step(PlanChangeKind.Change, wanted.Name, $"domain {wanted.Name}: {(wanted.Enabled ? "on" : "off")}",
                    c => c.Tables.SetDomainEnabled(c.Domain(wanted.Name).Id, wanted.Enabled));
        }
        foreach (var wanted in _plan.Domains)
            foreach (var alias in wanted.Aliases) DomainAlias(wanted.Name, alias);
    }

    void DomainAlias(string main, string alias)
    {
        var there = DirectoryChange.Find(_rows.Domains, alias);
        if (there is { AliasOf: null }) throw new AccountRefusal("plan", $"domains.{main}: {alias} is a domain of its own now: remove that first");
        if (there is not null && _names.GetValueOrDefault(there.AliasOf!.Value) == main) return;
        if (there is not null)
            Step(PlanChangeKind.Change, alias, $"{alias}: another name of {main}, no more of {_names.GetValueOrDefault(there.AliasOf!.Value)}",
                c => { c.RemoveDomain(there); c.AddDomain(alias, c.Domain(main).Id); });
        else Step(PlanChangeKind.Add, alias, $"{alias}: another name of {main}", c => c.AddDomain(alias, c.Domain(main).Id));
    }

    void Accounts()
    {
        foreach (var wanted in _plan.Accounts)
        {
            if (!_accounts.TryGetValue(EmailAddress.TryParse(wanted.Address)!.Key, out var there))
                Step(PlanChangeKind.Add, wanted.Address, $"account {wanted.Address}" + (wanted.Hash is null ? " (without a password)" : "") + PlanAppPasswords.Words(wanted) + (wanted.Forward.Count == 0 ? "" : $", forward {Forward(wanted.Forward, wanted.KeepsForwarded)}"), c => Add(c, wanted));
            else Change(there, wanted);
        }
        if (!_prune) return;
        var named = _plan.Accounts.Select(a => EmailAddress.TryParse(a.Address)!.Key).ToHashSet();
        foreach (var (address, row) in _accounts)
            if (!named.Contains(address)) Step(PlanChangeKind.Remove, address, $"account {address} with all its mail ({row.Messages} messages)", c => c.RemoveAccount(row));
    }

    void Change(AccountRow there, PlanAccount wanted)
    {
        var passwords = new PlanAppPasswords(there, [.. _passwords[there.Id]], wanted);
        List<string> differences = [.. Differences(there, wanted), .. passwords.Differences()];
        if (differences.Count > 0)
            Step(PlanChangeKind.Change, wanted.Address, $"account {wanted.Address}: {string.Join(", ", differences)}", c =>
            {
                c.Tables.UpdateAccount(Row(there, wanted));
                passwords.Apply(c.Tables);
            });
    }

    static void Add(DirectoryChange change, PlanAccount wanted)
    {
        var row = change.AddAccount(wanted.Address, wanted.Name, wanted.Hash, wanted.Quota, wanted.Language);
        if (!wanted.Enabled || wanted.Forward.Count > 0 || wanted.MessageQuota > 0)
            change.Tables.UpdateAccount(row = Row(row, wanted));
        new PlanAppPasswords(row, [], wanted).Apply(change.Tables);
    }

    static AccountRow Row(AccountRow there, PlanAccount wanted) => there with
    {
        Name = wanted.Name,
        Quota = wanted.Quota,
        Language = wanted.Language,
        Enabled = wanted.Enabled,
        Forward = wanted.Forward,
        KeepsForwarded = wanted.KeepsForwarded,
        MessageQuota = wanted.MessageQuota,
        PasswordHash = wanted.Hash ?? there.PasswordHash,
        Keys = wanted.Hash is null || wanted.Hash == there.PasswordHash ? there.Keys : null,
    };

    static List<string> Differences(AccountRow there, PlanAccount wanted)
    {
        var found = new List<string>();
        if (there.Name != wanted.Name) found.Add($"name \"{wanted.Name}\" instead of \"{there.Name}\"");
        if (there.Quota != wanted.Quota) found.Add($"quota {Quota(wanted.Quota)} instead of {Quota(there.Quota)}");
        if (there.MessageQuota != wanted.MessageQuota) found.Add($"message quota {Count(wanted.MessageQuota)} instead of {Count(there.MessageQuota)}");
        if (there.Language != wanted.Language) found.Add($"language {wanted.Language} instead of {there.Language}");
        if (there.Enabled != wanted.Enabled) found.Add(wanted.Enabled ? "enabled" : "disabled");
        if (!there.Forward.SequenceEqual(wanted.Forward) || there.KeepsForwarded != wanted.KeepsForwarded)
            found.Add($"forward {Forward(wanted.Forward, wanted.KeepsForwarded)} instead of {Forward(there.Forward, there.KeepsForwarded)}");
        if (wanted.Hash is not null && wanted.Hash != there.PasswordHash) found.Add("another password");
        return found;
    }

    static string Forward(IReadOnlyList<string> to, bool keep) => to.Count == 0 ? "none" : $"to {string.Join(", ", to)}{(keep ? "" : " (keeping nothing)")}";

    static string Quota(long octets) => octets == 0 ? "none" : PlanWriter.Size(octets);

    static string Count(long messages) => messages == 0 ? "none" : messages.ToString(System.Globalization.CultureInfo.InvariantCulture);

    void Aliases()
    {
        var stored = _rows.Aliases.ToDictionary(a => a.Pattern);
        foreach (var wanted in _plan.Aliases)
        {
            var to = string.Join(", ", wanted.Targets);
            var there = stored.GetValueOrDefault(wanted.Pattern);
            if (there is null)
                Step(PlanChangeKind.Add, wanted.Pattern, $"alias {wanted.Pattern}: {to}{(wanted.Enabled ? "" : " (off)")}", c =>
                {
                    var row = c.AddAlias(wanted.Pattern, wanted.Targets);
                    if (!wanted.Enabled) c.Tables.UpdateAlias(row with { Enabled = false });
                });
            else if (!there.Targets.SequenceEqual(wanted.Targets) || there.Enabled != wanted.Enabled)
                Step(PlanChangeKind.Change, wanted.Pattern, $"alias {wanted.Pattern}: {to}{(wanted.Enabled ? "" : " (off)")} instead of {string.Join(", ", there.Targets)}{(there.Enabled ? "" : " (off)")}",
                    c => c.Tables.UpdateAlias(there with { Targets = wanted.Targets, Enabled = wanted.Enabled }));
        }
    }

    void RemoveAliases()
    {
        if (!_prune) return;
        var named = _plan.Aliases.Select(a => a.Pattern).ToHashSet();
        foreach (var row in _rows.Aliases)
            if (!named.Contains(row.Pattern)) Step(PlanChangeKind.Remove, row.Pattern, $"alias {row.Pattern}", c => c.RemoveAlias(row));
    }

    void RemoveDomains()
    {
        if (!_prune) return;
        var named = _plan.Domains.SelectMany(d => d.Aliases.Append(d.Name)).ToHashSet();
        foreach (var row in _rows.Domains.OrderBy(d => d.AliasOf is null))
            if (!named.Contains(row.Name))
                Step(PlanChangeKind.Remove, row.Name, row.AliasOf is { } main ? $"{row.Name}: another name of {_names.GetValueOrDefault(main)}" : $"domain {row.Name}",
                    c => c.RemoveDomain(row));
    }
}
