using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Accounts.Service;

namespace Posthorn.Verbs;

/// <summary>The views of the accounts as the JSON that scripts read: names and shapes here are a promise.</summary>
static class VerbJson
{
    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static JsonArray List(IEnumerable<JsonObject> items) => new([.. items]);

    public static JsonArray Texts(IEnumerable<string> items) => new([.. items.Select(i => (JsonNode)i)]);

    public static JsonObject Of(DomainView d) => new()
    {
        ["name"] = d.Name,
        ["enabled"] = d.Enabled,
        ["aliases"] = Texts(d.Aliases),
        ["accounts"] = d.Accounts,
        ["created"] = Time(d.Created),
    };

    public static JsonObject Of(AccountView a) => new()
    {
        ["id"] = a.Id,
        ["address"] = a.Address,
        ["name"] = a.Name,
        ["enabled"] = a.Enabled,
        ["password"] = a.PasswordScheme,
        ["appPasswords"] = a.AppPasswords,
        ["quota"] = a.Quota,
        ["messageQuota"] = a.MessageQuota,
        ["used"] = a.Used,
        ["messages"] = a.Messages,
        ["language"] = a.Language,
        ["forward"] = Texts(a.Forward),
        ["keep"] = a.KeepsForwarded,
        ["created"] = Time(a.Created),
    };

    public static JsonObject Of(AliasView a) => new() { ["pattern"] = a.Pattern, ["targets"] = Texts(a.Targets), ["enabled"] = a.Enabled, ["created"] = Time(a.Created) };

    public static JsonObject Of(AppPasswordView p) => new()
    {
        ["name"] = p.Name,
        ["scopes"] = Texts(p.Scopes),
        ["expires"] = p.Expires is { } e ? Time(e) : null,
        ["lastUsed"] = p.LastUsed is { } u ? Time(u) : null,
        ["created"] = Time(p.Created),
    };

    /// <summary>Octets for people: 1536 → "1.5 KB".</summary>
    public static string Size(long octets)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        var (value, unit) = ((double)octets, 0);
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return value.ToString(unit == 0 ? "0" : "0.#", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    /// <summary>Prints rows in columns.</summary>
    public static void Table(TextWriter to, IReadOnlyList<string[]> rows)
    {
        if (rows.Count == 0) return;
        var widths = new int[rows[0].Length];
        foreach (var row in rows)
            for (var i = 0; i < row.Length; i++) widths[i] = Math.Max(widths[i], row[i].Length);
        foreach (var row in rows) to.WriteLine(string.Join("  ", row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(widths[i]))).TrimEnd());
    }

    public static IEnumerable<JsonObject> Items(JsonObject result, string name) => result[name]!.AsArray().Select(n => n!.AsObject());

    public static string Joined(JsonNode? list) => string.Join(", ", list!.AsArray().Select(n => (string?)n));
}
