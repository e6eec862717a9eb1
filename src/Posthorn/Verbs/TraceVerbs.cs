using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Storage;

namespace Posthorn.Verbs;

/// <summary><c>trace</c>: the story of a message.</summary>
static class TraceVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("trace", "Prints what happened to a message, by the id in the 250 reply and the Received line.",
            [new("id", ParameterKind.Word, "The id of the message.")], Trace, Print),
    ];

    static Task<JsonObject> Trace(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var text = arguments.Text("id");
        if (!TraceId.TryParse(text, out var id)) throw new VerbException(ExitCode.DataError, $"\"{text}\" is not the id of a message");
        var events = context.Store.Read(read => read.Events.Of(id));
        if (events.Count == 0) throw new VerbException(ExitCode.DataError, $"nothing is known of the message {id}");
        var list = new JsonArray();
        foreach (var e in events)
        {
            var account = e.AccountId != 0 && context.Directory.AddressOf(e.AccountId) is { } a ? a.ToString() : null;
            list.Add(new JsonObject { ["at"] = e.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), ["kind"] = e.Kind.ToString().ToLowerInvariant(), ["account"] = account, ["detail"] = Detail(e.Detail) });
        }
        return Task.FromResult(new JsonObject { ["id"] = id.ToString(), ["events"] = list });
    }

    static JsonNode? Detail(string text)
    {
        try { return JsonNode.Parse(text); }
        catch (JsonException) { return text; }
    }

    static void Print(JsonObject result, TextWriter to)
    {
        foreach (var e in result["events"]!.AsArray())
        {
            var words = e!["detail"] is JsonObject detail ? string.Join(' ', detail.Select(d => $"{d.Key}={Shown(d.Value)}")) : e["detail"]?.ToString();
            to.WriteLine($"{e["at"]}  {e["kind"],-10}{(e["account"] is { } account ? " " + account : "")} {words}");
        }
    }

    static string Shown(JsonNode? value) => value is JsonValue v && v.TryGetValue<string>(out var text) ? text.Contains(' ') ? $"\"{text}\"" : text : value?.ToJsonString() ?? "null";
}
