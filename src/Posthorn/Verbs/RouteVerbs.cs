using System.Text.Json.Nodes;
using Posthorn.Accounts.Routes;
using Posthorn.Accounts.Service;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>route …</c></summary>
static class RouteVerbs
{
    static readonly VerbParameter Pattern = new("pattern", ParameterKind.Word, "example.net (also *@example.net), *.example.net (the domains below it) or user@example.net.");
    static readonly VerbParameter Named = new("pattern", ParameterKind.Word, "The pattern of the route, or \"default\".");
    static readonly VerbParameter Transport = new("transport", ParameterKind.Word, "mx, smtp:host:port, smtps:host:port, lmtp:host:port, lmtp:unix:/path, mbox:/path/{user}, maildir:/path/{user}, discard or hold.");
    static readonly VerbParameter Sender = new("sender", ParameterKind.Flag, "The pattern is for the sender (the reverse-path), not for the recipient.");

    static readonly VerbParameter[] Settings =
    [
        new("tls", ParameterKind.Option, "TLS to the host: none, opportunistic, required or verified."),
        new("login", ParameterKind.Option, "The user name to log in with at the host."),
        new("passwordFile", ParameterKind.Option, "A file with the password, readable for nobody else."),
        new("tokenFile", ParameterKind.Option, "A file with an OAuth token (XOAUTH2), readable for nobody else."),
        new("tokenCommand", ParameterKind.Option, "A program with its arguments that prints an OAuth token; it is run without a shell."),
        new("concurrency", ParameterKind.Option, "Most connections at once."),
        new("rate", ParameterKind.Option, "Most messages a minute."),
        new("retryFirst", ParameterKind.Option, "The wait between the first failed attempt and the second, as in 15m."),
        new("retryMost", ParameterKind.Option, "The longest wait between two attempts, as in 4h."),
        new("delayNotice", ParameterKind.Option, "After this time the sender is told that the message is late."),
        new("giveUp", ParameterKind.Option, "After this time a message is given up, as in 5d."),
        new("giveUpBounces", ParameterKind.Option, "The same for messages of the null sender."),
    ];

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("route add", "Sends mail for some recipients, or of some senders, another way than the exchangers in the DNS.", [Pattern, Transport, Sender, .. Settings],
            async (c, a, ct) => Of(await c.Routes.AddAsync(Kind(a), a.Text("pattern"), a.Text("transport"), Given(a), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"Added the route {Line(r)}.")),
        new("route default", "Decides the way of all mail that no other route fits; \"mx\" goes back to the exchangers in the DNS.", [Transport, .. Settings],
            async (c, a, ct) => Of(await c.Routes.SetDefaultAsync(a.Text("transport"), Given(a), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"The route is now {Line(r)}.")),
        new("route list", "Lists the routes.", [],
            (c, _, _) => Task.FromResult(new JsonObject { ["routes"] = List(c.Routes.List().Select(Of)) }),
            (r, to) =>
            {
                if (!Items(r, "routes").Any()) to.WriteLine("None: all mail goes to the exchangers that the DNS names for its domain.");
                Table(to, [.. Items(r, "routes").Select(i => new[] { $"{i["route"]}", $"{i["transport"]}", InWords(i) })]);
            }),
        new("route show", "Shows one route.", [Named, Sender],
            (c, a, _) => Task.FromResult(Of(c.Routes.Show(Kind(a), a.Text("pattern")))),
            (r, to) => Table(to, [["Route", $"{r["route"]}"], ["Transport", $"{r["transport"]}"], .. r["settings"]!.AsObject().Select(s => new[] { RouteWords.Option(s.Key), $"{s.Value}" })])),
        new("route set", "Changes a route; what is not named stays, the value \"default\" takes a setting away.",
            [Named, new("transport", ParameterKind.Option, "Another transport."), Sender, .. Settings],
            async (c, a, ct) => Of(await c.Routes.SetAsync(Kind(a), a.Text("pattern"), a.Optional("transport"), Given(a), ct).ConfigureAwait(false)),
            (r, to) => to.WriteLine($"The route is now {Line(r)}.")),
        new("route remove", "Removes a route.", [Named, Sender],
            async (c, a, ct) =>
            {
                await c.Routes.RemoveAsync(Kind(a), a.Text("pattern"), ct).ConfigureAwait(false);
                return new JsonObject { ["removed"] = a.Text("pattern") };
            },
            (r, to) => to.WriteLine($"Removed the route {r["removed"]}.")),
    ];

    static RouteKind Kind(VerbArguments a) =>
        a.Flag("sender") ? RouteKind.Sender
        : string.Equals(a.Optional("pattern"), "default", StringComparison.OrdinalIgnoreCase) ? RouteKind.Default
        : RouteKind.Recipient;

    static List<(string Name, string Value)> Given(VerbArguments a) =>
        [.. RouteSettingsText.Names.Where(n => a.Optional(n) is not null).Select(n => (n, a.Text(n)))];

    static JsonObject Of(RouteView r) => new()
    {
        ["route"] = r.Name,
        ["kind"] = r.Kind.ToString().ToLowerInvariant(),
        ["pattern"] = r.Pattern,
        ["transport"] = r.Transport,
        ["settings"] = new JsonObject([.. r.Settings.Select(s => KeyValuePair.Create(s.Name, (JsonNode?)s.Value))]),
        ["created"] = r.Created == default ? null : Time(r.Created),
    };

    static string Line(JsonObject r) => $"{r["route"]}: {r["transport"]}" + (InWords(r) is { Length: > 0 } words ? $", {words}" : "");

    static string InWords(JsonObject r) => string.Join(", ", r["settings"]!.AsObject().Select(s => $"{RouteWords.Option(s.Key)} {s.Value}"));
}
