using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>account app-password …</c></summary>
static class AppPasswordVerbs
{
    static readonly VerbParameter Address = new("address", ParameterKind.Word, "The address of the account.");
    static readonly VerbParameter Name = new("name", ParameterKind.Word, "What it is for, as in \"telephone\".");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("account app-password add", "Makes a password for one program and shows it once.",
            [
                Address,
                Name,
                new("scopes", ParameterKind.Option, "What it opens, with commas: smtp, pop3, imap, jmap, sieve, dav; all when left out."),
                new("expires", ParameterKind.Option, "The last day of its life, as in 2030-12-31."),
            ],
            async (c, a, ct) =>
            {
                var made = await c.Accounts.AddAppPasswordAsync(a.Text("address"), a.Text("name"), Scopes(a), Expires(a), ct).ConfigureAwait(false);
                var result = Of(made.AppPassword);
                result["address"] = a.Text("address");
                result["password"] = made.Secret;
                return result;
            },
            (r, to) =>
            {
                to.WriteLine(r["password"]);
                to.WriteLine("It is not shown again.");
            }),
        new("account app-password list", "Lists the app passwords of an account.", [Address],
            (c, a, _) => Task.FromResult(new JsonObject { ["appPasswords"] = List(c.Accounts.AppPasswords(a.Text("address")).Select(Of)) }),
            (r, to) => Table(to, [.. Items(r, "appPasswords").Select(p => new[] { $"{p["name"]}", p["scopes"]!.AsArray().Count == 0 ? "all" : Joined(p["scopes"]), $"made {p["created"]}", p["lastUsed"] is { } used ? $"used {used}" : "never used" })])),
        new("account app-password revoke", "Takes an app password back.", [Address, Name],
            async (c, a, ct) =>
            {
                await c.Accounts.RevokeAppPasswordAsync(a.Text("address"), a.Text("name"), ct).ConfigureAwait(false);
                return new JsonObject { ["revoked"] = a.Text("name"), ["address"] = a.Text("address") };
            },
            (r, to) => to.WriteLine($"Revoked \"{r["revoked"]}\" of {r["address"]}.")),
    ];

    static string[] Scopes(VerbArguments a) => (a.Optional("scopes") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    static DateTimeOffset? Expires(VerbArguments a)
    {
        if (a.Optional("expires") is not { } text) return null;
        if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) throw new VerbException(ExitCode.DataError, $"\"{text}\" is no day; write it as 2030-12-31");
        return new DateTimeOffset(day.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
    }
}
