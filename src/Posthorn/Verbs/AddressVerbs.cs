using System.Text.Json.Nodes;
using Posthorn.Accounts;
using Posthorn.Accounts.Routes;
using Posthorn.Cli;
using Posthorn.Delivery.Routing;
using Posthorn.Wire.Addresses;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>address …</c></summary>
static class AddressVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("address explain", "Tells each step from an address to its mailboxes and ways out.",
            [
                new("address", ParameterKind.Word, "The address, as a sender writes it."),
                new("sender", ParameterKind.Option, "The sender, since routes can depend on him."),
            ],
            Explain, Print),
    ];

    static Task<JsonObject> Explain(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var text = arguments.Text("address");
        var address = Parse(text);
        var sender = arguments.Optional("sender") is { Length: > 0 } from and not "<>" ? Parse(from) : null;
        var behind = context.Srs.Reverse(address);
        var hostname = context.Config.Options.Hostname;
        var found = OwnName.Resolve(context.Directory, EmailAddress.NormalizeDomain(hostname) ?? hostname, behind ?? address, explain: true);
        var routes = context.Directory.Routes;
        IReadOnlyList<Destination> destinations = found.Status == ResolutionStatus.NotLocal ? [new Destination.Foreign(behind ?? address)] : found.Destinations;
        return Task.FromResult(new JsonObject
        {
            ["address"] = text,
            ["status"] = char.ToLowerInvariant(found.Status.ToString()[0]) + found.Status.ToString()[1..],
            ["steps"] = Texts(behind is null ? found.Steps : [$"{address} is a rewritten reverse-path (SRS): bounces to it go to {behind}", .. found.Steps]),
            ["destinations"] = List(destinations.Select(d => Of(d, routes, sender))),
        });
    }

    static EmailAddress Parse(string text) => EmailAddress.TryParse(text) ?? throw new VerbException(ExitCode.DataError, $"\"{text}\" is not an address");

    static JsonObject Of(Destination destination, RouteBook routes, EmailAddress? sender)
    {
        if (destination is Destination.Local local) return new() { ["kind"] = "mailbox", ["address"] = local.Address.ToString(), ["detail"] = local.Detail };
        var foreign = (Destination.Foreign)destination;
        var route = routes.Find(foreign.Address, sender);
        return new()
        {
            ["kind"] = "foreign",
            ["address"] = foreign.Address.ToString(),
            ["forwardedBy"] = foreign.ForwardedBy?.ToString(),
            ["route"] = route.Name,
            ["transport"] = route.Transport.ToString(),
            ["reason"] = RouteWords.Reason(route, foreign.Address),
        };
    }

    static void Print(JsonObject result, TextWriter to)
    {
        foreach (var step in result["steps"]!.AsArray()) to.WriteLine(step);
        foreach (var d in Items(result, "destinations"))
            to.WriteLine((string?)d["kind"] == "mailbox" ? $"→ mailbox of {d["address"]}" + (d["detail"] is { } detail ? $", folder {detail} if there is one" : "") : $"→ {d["address"]}: {d["reason"]}");
    }
}
