using System.Text.Json.Nodes;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>queue stats</c>: how long mail waits, in the form of Postfix's qshape, and what the scheduler knows of destinations.</summary>
static class QueueStats
{
    static readonly string[] Heads = ["T", "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"];

    const int MostDomains = 100_000;

    public static JsonObject Of(VerbContext context, int limit)
    {
        var now = context.Time.GetUtcNow();
        var ages = context.Store.Read(r => r.Queue.Ages(now, MostDomains));
        var total = new long[Heads.Length - 1];
        foreach (var domain in ages)
            for (var i = 0; i < total.Length; i++) total[i] += domain.Ages[i];
        return new JsonObject
        {
            ["at"] = Time(now),
            ["minutes"] = Texts(Heads.Skip(1)),
            ["total"] = Row("TOTAL", ages.Sum(static a => a.Total), total),
            ["domains"] = List(ages.Take(limit).Select(static a => Row(a.Domain, a.Total, a.Ages))),
            ["destinations"] = context.Queue is not { } queue ? null : List(queue.Destinations().Select(static d => new JsonObject
            {
                ["destination"] = d.Destination,
                ["active"] = d.Active,
                ["limit"] = d.Limit,
                ["waiting"] = d.Waiting,
                ["cooledUntil"] = d.CooledUntil is { } until ? Time(until) : null,
                ["lastTrouble"] = d.LastTrouble,
            })),
        };
    }

    static JsonObject Row(string name, long total, IReadOnlyList<long> ages) => new() { ["domain"] = name, ["total"] = total, ["ages"] = new JsonArray([.. ages.Select(static a => (JsonNode)a)]) };

    public static void Print(JsonObject result, TextWriter to)
    {
        List<string[]> rows = [["", .. Heads], .. Items(result, "domains").Prepend(result["total"]!.AsObject()).Select(static d => (string[])[$"{d["domain"]}", $"{d["total"]}", .. d["ages"]!.AsArray().Select(static a => $"{a}")])];
        var widths = new int[Heads.Length + 1];
        foreach (var row in rows)
            for (var i = 0; i < row.Length; i++) widths[i] = Math.Max(widths[i], row[i].Length);
        foreach (var row in rows) to.WriteLine(string.Join(' ', row.Select((cell, i) => cell.PadLeft(widths[i]))));
        if (result["destinations"] is not JsonArray { Count: > 0 }) return;
        to.WriteLine();
        Table(to, [["DESTINATION", "ACTIVE", "LIMIT", "WAITING", "LEFT ALONE UNTIL", "LAST TROUBLE"],
            .. Items(result, "destinations").Select(static d => new[] { $"{d["destination"]}", $"{d["active"]}", $"{d["limit"]}", $"{d["waiting"]}", $"{d["cooledUntil"]}", QueuePrint.Clean((string?)d["lastTrouble"]) })]);
    }
}
