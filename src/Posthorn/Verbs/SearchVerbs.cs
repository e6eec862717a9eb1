using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Search;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>search …</c></summary>
static class SearchVerbs
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("search status", "How much mail is in the search index, and how much waits for it.", [], (context, _, _) => WithAsync(context, static index => Task.FromResult(Of(index.Status()))), Print),
        new("search rebuild", "Throws the search index away and makes it anew; searches find the same meanwhile, only slower.", [],
            (context, _, ct) => WithAsync(context, async index =>
            {
                var done = await Task.Run(() => index.RebuildAsync(ct), ct).ConfigureAwait(false);
                var result = Of(index.Status());
                result["done"] = done;
                return result;
            }), Print),
    ];

    /// <summary>Works on the index of the running server, or on one that is opened for this command.</summary>
    static async Task<JsonObject> WithAsync(VerbContext context, Func<SearchIndex, Task<JsonObject>> work)
    {
        if (context.Search is { } running) return await work(running).ConfigureAwait(false);
        await using var own = SearchIndex.Open(context.Store, context.Time, NullLogger.Instance);
        return await work(own).ConfigureAwait(false);
    }

    static JsonObject Of(SearchStatus status) => new()
    {
        ["usable"] = status.Usable,
        ["accounts"] = status.Accounts,
        ["messages"] = status.Messages,
        ["waiting"] = status.Waiting,
        ["segments"] = status.Segments,
        ["octets"] = status.Octets,
    };

    static void Print(JsonObject result, TextWriter to)
    {
        if (result["done"] is { } done) to.WriteLine((bool)done ? "The index was made anew." : "The index is being made anew; \"posthorn search status\" tells how far it is.");
        if (!(bool)result["usable"]!) to.WriteLine("There is no index at this moment; searches read all mail.");
        to.WriteLine($"{result["messages"]} messages of {result["accounts"]} accounts are indexed, {result["waiting"]} wait; {Size((long)result["octets"]!)} on disk in {result["segments"]} segments.");
    }
}
