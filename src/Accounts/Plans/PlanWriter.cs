using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Posthorn.Accounts.Routes;

namespace Posthorn.Accounts.Plans;

/// <summary>Writes a plan as JSON for people: one entity a line, what is at its default left out.</summary>
static class PlanWriter
{
    public static string Write(Plan plan)
    {
        var text = new StringBuilder("{ \"domains\": {\n");
        Lines(text, plan.Domains, d => d.Name, Domain);
        text.Append("  }, \"accounts\": {\n");
        Lines(text, plan.Accounts, a => a.Address, Account);
        text.Append("  }, \"aliases\": {\n");
        Lines(text, plan.Aliases, a => a.Pattern, Alias);
        if (plan.Routes.Count > 0)
        {
            text.Append("  }, \"routes\": {\n");
            Lines(text, plan.Routes, r => RouteRows.Name(r.Kind, r.Pattern), Route);
        }
        return text.Append("  } }\n").ToString();
    }

    /// <summary>Octets with the largest unit that fits without a rest: 2147483648 is "2G".</summary>
    public static string Size(long octets)
    {
        var unit = 0;
        while (unit < PlanReader.Units.Count - 1 && octets != 0 && octets % 1024 == 0) { octets /= 1024; unit++; }
        return octets.ToString(CultureInfo.InvariantCulture) + PlanReader.Units[unit];
    }

    static void Lines<T>(StringBuilder text, IReadOnlyList<T> entities, Func<T, string> key, Func<T, string> value)
    {
        for (var i = 0; i < entities.Count; i++)
            text.Append("    ").Append(Quote(key(entities[i]))).Append(": ").Append(value(entities[i])).Append(i < entities.Count - 1 ? ",\n" : "\n");
    }

    static string Domain(PlanDomain domain) =>
        domain.Enabled ? List(domain.Aliases) : Members(("aliases", domain.Aliases.Count == 0 ? null : List(domain.Aliases)), ("enabled", "false"));

    static string Account(PlanAccount account)
    {
        var plain = account.Name == "" && account is { Quota: 0, MessageQuota: 0 } && account.Language == "en" && account.Enabled && account.AppPasswords is null && account.Forward.Count == 0;
        if (plain && account.Hash is not null) return Quote(account.Hash);
        return Members(
            ("name", account.Name == "" ? null : Quote(account.Name)),
            ("quota", account.Quota == 0 ? null : Quote(Size(account.Quota))),
            ("messageQuota", account.MessageQuota == 0 ? null : account.MessageQuota.ToString(CultureInfo.InvariantCulture)),
            ("language", account.Language == "en" ? null : Quote(account.Language)),
            ("enabled", account.Enabled ? null : "false"),
            ("forward", account.Forward.Count == 0 ? null : Addresses(account.Forward)),
            ("keep", account.Forward.Count == 0 || account.KeepsForwarded ? null : "false"),
            ("hash", account.Hash is null ? null : Quote(account.Hash)),
            ("salt", account.Salt is null ? null : Quote(account.Salt)),
            ("appPasswords", account.AppPasswords is null ? null : "{" + string.Join(", ", account.AppPasswords.Select(p => $"{Quote(p.Name)}: {AppPassword(p)}")) + "}"));
    }

    static string AppPassword(PlanAppPassword password)
    {
        if (password.Scopes == "" && password.Expires is null) return Quote(password.Keys);
        return Members(
            ("keys", Quote(password.Keys)),
            ("scopes", password.Scopes == "" ? null : List(password.Scopes.Split(' '))),
            ("expires", password.Expires is { } end ? Quote(PlanAppPassword.Time(end)) : null));
    }

    static string Alias(PlanAlias alias)
    {
        var targets = Addresses(alias.Targets);
        return alias.Enabled ? targets : Members(("to", targets), ("enabled", "false"));
    }

    static string Route(PlanRoute route)
    {
        var settings = RouteSettingsText.Write(route.Settings);
        if (settings.Count == 0) return Quote(route.Transport.ToString());
        return Members([("to", Quote(route.Transport.ToString())), .. settings.Select(s => (s.Name, (string?)Quote(s.Value)))]);
    }

    static string Addresses(IReadOnlyList<string> addresses) => addresses.Count == 1 ? Quote(addresses[0]) : List(addresses);

    static string Members(params ReadOnlySpan<(string Name, string? Value)> members)
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in members)
            if (value is not null) text.Append(text.Length > 1 ? ", " : "").Append('"').Append(name).Append("\": ").Append(value);
        return text.Append('}').ToString();
    }

    static string List(IReadOnlyList<string> items) => "[" + string.Join(", ", items.Select(Quote)) + "]";

    // Relaxed: the document is for people and files, not for a page; "+" stays "+".
    static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
