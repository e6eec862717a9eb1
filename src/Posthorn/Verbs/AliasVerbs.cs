using System.Text.Json.Nodes;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>alias …</c></summary>
static class AliasVerbs
{
    static readonly VerbParameter Pattern = new("pattern", ParameterKind.Word, "local@domain, local@* (all our domains), *@domain, *@*.domain or prefix*@domain.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("alias add", "Leads an address, or all that fit a pattern, to others.", [Pattern, new("targets", ParameterKind.Words, "The addresses it leads to, here or elsewhere.")],
            async (c, a, ct) => Of(await c.Accounts.AddAliasAsync(a.Text("pattern"), a.Texts("targets"), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["pattern"]} leads to {Joined(r["targets"])}.")),
        new("alias list", "Lists the aliases.", [],
            (c, _, _) => Task.FromResult(new JsonObject { ["aliases"] = List(c.Accounts.Aliases().Select(Of)) }),
            (r, to) => Table(to, [.. Items(r, "aliases").Select(a => new[] { $"{a["pattern"]}", "→ " + Joined(a["targets"]) + ((bool)a["enabled"]! ? "" : " (off)") })])),
        new("alias remove", "Removes an alias.", [Pattern, new("force", ParameterKind.Flag, "Goes on although others lead there.")],
            async (c, a, ct) =>
            {
                await c.Accounts.RemoveAliasAsync(a.Text("pattern"), a.Flag("force"), ct).ConfigureAwait(false);
                return new JsonObject { ["removed"] = a.Text("pattern") };
            },
            (r, to) => to.WriteLine($"Removed the alias {r["removed"]}.")),
    ];
}
