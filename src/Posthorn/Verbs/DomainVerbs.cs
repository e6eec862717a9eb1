using System.Text.Json.Nodes;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>domain …</c></summary>
static class DomainVerbs
{
    static readonly VerbParameter Name = new("name", ParameterKind.Word, "The domain, as in example.org.");
    static readonly VerbParameter Force = new("force", ParameterKind.Flag, "Goes on although aliases lead there.");

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("domain add", "Makes a domain one of ours.", [Name],
            async (c, a, ct) => Of(await c.Accounts.AddDomainAsync(a.Text("name"), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"Added the domain {r["name"]}.")),
        new("domain list", "Lists our domains.", [],
            (c, _, _) => Task.FromResult(new JsonObject { ["domains"] = List(c.Accounts.Domains().Select(Of)) }),
            (r, to) => Table(to, [.. Items(r, "domains").Select(d => new[] { $"{d["name"]}", (int)d["accounts"]! == 1 ? "1 account" : $"{d["accounts"]} accounts", Others(d), (bool)d["enabled"]! ? "" : "off" })])),
        new("domain show", "Shows one domain.", [Name],
            (c, a, _) => Task.FromResult(Of(c.Accounts.Domain(a.Text("name")))),
            (r, to) => Table(to, [["Domain", $"{r["name"]}"], ["Other names", Joined(r["aliases"])], ["Accounts", $"{r["accounts"]}"], ["State", (bool)r["enabled"]! ? "on" : "off"], ["Made", $"{r["created"]}"]])),
        new("domain remove", "Removes a domain that has no accounts any more.", [Name, Force],
            async (c, a, ct) =>
            {
                await c.Accounts.RemoveDomainAsync(a.Text("name"), a.Flag("force"), ct).ConfigureAwait(false);
                return new JsonObject { ["removed"] = a.Text("name") };
            },
            (r, to) => to.WriteLine($"Removed the domain {r["removed"]}."))
        { Confirm = a => $"Remove the domain {a.Text("name")}?" },
        new("domain alias add", "Makes a domain another name of one of ours, with all its addresses.",
            [new("alias", ParameterKind.Word, "The other name."), new("domain", ParameterKind.Word, "The domain it stands for.")],
            async (c, a, ct) => Of(await c.Accounts.AddDomainAliasAsync(a.Text("alias"), a.Text("domain"), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"{r["name"]} is now also {Joined(r["aliases"])}.")),
        new("domain alias remove", "Takes another name from a domain.", [new("alias", ParameterKind.Word, "The other name."), Force],
            async (c, a, ct) =>
            {
                await c.Accounts.RemoveDomainAliasAsync(a.Text("alias"), a.Flag("force"), ct).ConfigureAwait(false);
                return new JsonObject { ["removed"] = a.Text("alias") };
            },
            (r, to) => to.WriteLine($"Removed the name {r["removed"]}.")),
    ];

    static string Others(JsonObject domain) => domain["aliases"]!.AsArray().Count == 0 ? "" : "also " + Joined(domain["aliases"]);
}
