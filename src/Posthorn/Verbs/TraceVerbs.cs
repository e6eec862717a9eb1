using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Storage;

namespace Posthorn.Verbs;

/// <summary><c>trace</c>: the story of a message.</summary>
static class TraceVerbs
{
    /// <summary>A story leads to others (its notices, its copies); more than this are not followed.</summary>
    const int MostLinked = 20;

    const int DefaultLimit = 10, MostStories = 1000;

    public static IReadOnlyList<Verb> All { get; } =
    [
        new("trace", "Prints what happened to a message: by the id in the 250 reply and the Received line, by an address, or by a Message-ID.",
            [
                new("id", ParameterKind.Word, "The id, the address of a sender or recipient, or the Message-ID."),
                new("limit", ParameterKind.Option, "For an address: at most so many messages, the newest; 10 when left out."),
            ], Trace, Print),
    ];

    static Task<JsonObject> Trace(VerbContext context, VerbArguments arguments, CancellationToken ct)
    {
        var text = arguments.Text("id");
        if (TraceId.TryParse(text, out var id)) return Task.FromResult(Story(context, id) ?? throw new VerbException(ExitCode.DataError, $"nothing is known of the message {id}"));
        if (!text.Contains('@')) throw new VerbException(ExitCode.DataError, $"\"{text}\" is neither the id of a message nor an address nor a Message-ID");
        var limit = DefaultLimit;
        if (arguments.Optional("limit") is { } number && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is 0 or > MostStories))
            throw new VerbException(ExitCode.DataError, $"--limit takes a number from 1 to {MostStories}");
        // A reading that may go through many rows: not on the thread that answers others.
        return Task.Run(() =>
        {
            var found = context.Store.Read(r => r.Queue.Traces(text, limit));
            var stories = found.Select(t => Story(context, t)).OfType<JsonObject>().ToList();
            return stories.Count == 0 ? throw new VerbException(ExitCode.DataError, $"nothing is known of {text}") : new JsonObject { ["stories"] = VerbJson.List(stories) };
        }, ct);
    }

    /// <summary>The story with those it leads to; null when nothing is known.</summary>
    static JsonObject? Story(VerbContext context, TraceId id)
    {
        var events = Events(context, id);
        if (events.Count == 0) return null;
        var story = new JsonObject { ["id"] = id.ToString(), ["events"] = events };
        var (linked, seen, open) = (new JsonArray(), new HashSet<TraceId> { id }, new Queue<JsonArray>([events]));
        while (open.TryDequeue(out var next) && linked.Count < MostLinked)
        {
            foreach (var link in Links(next))
            {
                if (!seen.Add(link) || linked.Count >= MostLinked) continue;
                var others = Events(context, link);
                if (others.Count == 0) continue;
                linked.Add(new JsonObject { ["id"] = link.ToString(), ["events"] = others });
                open.Enqueue(others);
            }
        }
        if (linked.Count > 0) story["linked"] = linked;
        return story;
    }

    /// <summary>The messages that came of this one: a notice, or a copy that was sent on.</summary>
    static IEnumerable<TraceId> Links(JsonArray events)
    {
        foreach (var e in events)
        {
            if (e!["detail"] is not JsonObject detail) continue;
            foreach (var name in (string[])["notice", "copy"])
                if (detail[name] is JsonValue v && v.TryGetValue<string>(out var text) && TraceId.TryParse(text, out var id)) yield return id;
        }
    }

    /// <summary>The events of one message as scripts read them.</summary>
    public static JsonArray Events(VerbContext context, TraceId id)
    {
        var list = new JsonArray();
        foreach (var e in context.Store.Read(read => read.Events.Of(id)))
        {
            var account = e.AccountId != 0 && context.Directory.AddressOf(e.AccountId) is { } a ? a.ToString() : null;
            list.Add(new JsonObject { ["at"] = e.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), ["kind"] = e.Kind.ToString().ToLowerInvariant(), ["account"] = account, ["detail"] = Detail(e.Detail) });
        }
        return list;
    }

    static JsonNode? Detail(string text)
    {
        try { return JsonNode.Parse(text); }
        catch (JsonException) { return text; }
    }

    static void Print(JsonObject result, TextWriter to)
    {
        if (result["stories"] is not JsonArray stories)
        {
            PrintOne(result, to);
            return;
        }
        for (var i = 0; i < stories.Count; i++)
        {
            if (i > 0) to.WriteLine();
            to.WriteLine($"{stories[i]!["id"]}:");
            PrintOne(stories[i]!.AsObject(), to);
        }
    }

    static void PrintOne(JsonObject story, TextWriter to)
    {
        StoryWords.Print(story["events"]!.AsArray(), to, "");
        if (story["linked"] is not JsonArray linked) return;
        foreach (var other in linked)
        {
            to.WriteLine($"  {other!["id"]}:");
            StoryWords.Print(other["events"]!.AsArray(), to, "  ");
        }
    }
}
