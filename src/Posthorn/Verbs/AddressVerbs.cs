using System.Text.Json.Nodes;
using Posthorn.Accounts;
using Posthorn.Cli;
using Posthorn.Wire.Addresses;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>address …</c></summary>
static class AddressVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("address explain", "Tells each step from an address to its mailboxes.", [new("address", ParameterKind.Word, "The address, as a sender writes it.")], Explain, Print),
    ];

    static Task<JsonObject> Explain(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var text = arguments.Text("address");
        if (EmailAddress.TryParse(text) is not { } address) throw new VerbException(ExitCode.DataError, $"\"{text}\" is not an address");
        var found = context.Directory.Resolve(address, explain: true);
        return Task.FromResult(new JsonObject
        {
            ["address"] = text,
            ["status"] = char.ToLowerInvariant(found.Status.ToString()[0]) + found.Status.ToString()[1..],
            ["steps"] = Texts(found.Steps),
            ["destinations"] = List(found.Destinations.Select(Of)),
        });
    }

    static JsonObject Of(Destination destination) => destination switch
    {
        Destination.Local local => new() { ["kind"] = "mailbox", ["address"] = local.Address.ToString(), ["detail"] = local.Detail },
        Destination.Foreign foreign => new() { ["kind"] = "foreign", ["address"] = foreign.Address.ToString() },
        _ => new() { ["kind"] = "unknown" },
    };

    static void Print(JsonObject result, TextWriter to)
    {
        foreach (var step in result["steps"]!.AsArray()) to.WriteLine(step);
        foreach (var d in Items(result, "destinations"))
            to.WriteLine((string?)d["kind"] == "mailbox" ? $"→ mailbox of {d["address"]}" + (d["detail"] is { } detail ? $", folder {detail} if there is one" : "") : $"→ {d["address"]} on another host");
    }
}
