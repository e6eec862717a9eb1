using System.Globalization;
using System.Text.Json.Nodes;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary>The queue for people.</summary>
static class QueuePrint
{
    public static void List(JsonObject result, TextWriter to)
    {
        var now = Parse(result["at"])!.Value;
        var rows = Items(result, "recipients").ToList();
        if (rows.Count == 0)
        {
            to.WriteLine("Nothing.");
            return;
        }
        Table(to, [.. rows.Select(r => new[] { $"{r["id"]}", State(r, now), Size((long)r["size"]!), $"<{r["sender"]}>", $"→ {r["recipient"]}", Clean((string?)r["lastReply"]) })]);
        if ((bool)result["more"]!) to.WriteLine($"… and more (--limit); {result["queue"]!["recipients"]} recipients of {result["queue"]!["messages"]} messages are in the queue.");
    }

    public static void Changed(JsonObject result, TextWriter to, string what)
    {
        var count = (long)result["changed"]!;
        foreach (var r in Items(result, "recipients").Take(20)) to.WriteLine(r["id"] is { } id ? $"{id}  → {r["recipient"]}" : $"→ {r["recipient"]}");
        if (count > 20) to.WriteLine("…");
        to.WriteLine(count == 1 ? $"1 recipient {what}." : $"{count} recipients {what}.");
    }

    /// <summary>The state in words, with the time that matters to it.</summary>
    public static string State(JsonObject r, DateTimeOffset now)
    {
        var attempts = (long)r["attempts"]!;
        var tried = attempts == 0 ? "" : attempts == 1 ? ", tried once" : $", tried {attempts} times";
        return (string?)r["state"] switch
        {
            "due" when Parse(r["next"]) is { } next => (next <= now ? "due now" : "due in " + Span(next - now)) + tried,
            "leased" => "being delivered",
            "held" => "on hold" + tried,
            { } other => other + (Parse(r["finished"]) is { } end ? $" {Span(now - end)} ago" : ""),
            null => "",
        };
    }

    public static DateTimeOffset? Parse(JsonNode? time) =>
        DateTimeOffset.TryParse((string?)time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    public static string Span(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (long)time.TotalSeconds)} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalMinutes} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours} h {time.Minutes:00} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalDays} d {time.Hours} h"),
    };

    /// <summary>Text of a stranger for a terminal: no control characters but line ends where they are wanted.</summary>
    public static string Clean(string? text, bool lines = false) => string.Create((text ?? "").Length, (text ?? "", lines), static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++)
        {
            var c = from.Item1[i];
            to[i] = char.IsControl(c) && !(from.lines && c is '\n' or '\t') ? '?' : c;
        }
    });
}
