using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Posthorn.Verbs;

/// <summary>A message's story in words, one line a step (the details are those of docs/events.md).</summary>
static class StoryWords
{
    public static void Print(JsonArray events, TextWriter to, string indent)
    {
        foreach (var e in events) to.WriteLine(indent + QueuePrint.Clean(Line(e!.AsObject())));
    }

    static string Line(JsonObject e)
    {
        var account = (string?)e["account"];
        var words = e["detail"] is JsonObject detail ? Words((string?)e["kind"] ?? "", new Detail(detail), account) : $"{e["kind"]} {e["detail"]}";
        return $"{e["at"]}  {words}";
    }

    static string Words(string kind, Detail d, string? account) => kind switch
    {
        "received" when d.Has("about") => $"made here: a notice about {d["about"]}{Size(d)}",
        "received" when d["with"] == "IMAP" => $"put here by IMAP from [{d["client"]}], logged in as {d["login"]}{Size(d)}",
        "received" => Received(d),
        "filed" => $"filed in {d["mailbox"]}{(account is null ? "" : " of " + account)} (UID {d["uid"]}){For(d, account)}",
        "queued" => "queued for " + To(d),
        "forwarded" => $"sent on by {d["by"]} to {d["address"]}{(d["from"] is "" or "<>" ? "" : $", as from {d["from"]}")}",
        "refused" when d.Has("by") => $"not sent on by {d["by"]} to {d["address"]}: {d["reason"]}",
        "held" => "on hold: " + To(d) + ByHand(d),
        "delivered" => $"delivered to {d["to"]}{Host(d)}{Saying(d)}{After(d)}",
        "deferred" => $"not delivered yet to {d["to"]}{Host(d)}{Saying(d)}{(d.Has("next") ? "; next attempt " + d["next"] : "")}{Attempt(d)}",
        "bounced" => $"given up: {d["to"]}{Host(d)}{Saying(d)}{Attempt(d)}",
        "attempt" => $"attempt for {d["to"]}{Host(d)}{Saying(d)}",
        "notified" => $"told {d["to"]} about it by the notice {d["notice"]}",
        "released" => "released: " + To(d) + ByHand(d),
        "rerouted" => $"sent another way, {d["via"]}: {To(d)}{ByHand(d)}",
        "dropped" => "taken out, nobody is told: " + To(d) + ByHand(d),
        "retried" => "tried ahead of its time: " + To(d) + ByHand(d),
        _ => kind + (account is null ? "" : " " + account) + d.All(),
    };

    static string Received(Detail d)
    {
        var b = new StringBuilder("received from ").Append(d["from"] is "<>" or "" ? "<>" : $"<{d["from"]}>");
        if (d.Has("with")) b.Append(" by ").Append(d["with"]);
        if (d.Has("user")) b.Append(" from the local user ").Append(d["user"]);
        else if (d.Has("client")) b.Append(" from ").Append(d.Has("name") ? $"{d["name"]} [{d["client"]}]" : $"[{d["client"]}]").Append(d.Has("helo") ? $" as {d["helo"]}" : "");
        if (d.Has("login")) b.Append(", logged in as ").Append(d["login"]).Append(d.Has("mechanism") ? $" ({d["mechanism"]})" : "");
        b.Append(d.Has("tls") ? ", " + d["tls"] : "").Append(Size(d));
        if (d.Has("recipients")) b.Append(d["recipients"] == "1" ? ", 1 recipient" : $", {d["recipients"]} recipients");
        return b.Append(d.Has("messageId") ? ", Message-ID " + d["messageId"] : "").ToString();
    }

    static string Size(Detail d) => long.TryParse(d["size"], NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? ", " + VerbJson.Size(size) : "";

    static string For(Detail d, string? account) => d["to"].Length == 0 || d["to"] == account ? "" : " for " + d["to"];

    static string To(Detail d) => d.Has("address") && d["address"] != d["to"] ? $"{d["address"]} (written as {d["to"]})" : d["to"];

    static string ByHand(Detail d) => d.Has("by") ? ", by hand" : "";

    /// <summary>The other server, where its words do not begin with its name anyhow.</summary>
    static string Host(Detail d) => (d.Has("relay") && !d["reply"].StartsWith(d["relay"] + ":", StringComparison.Ordinal) ? " by " + d["relay"] : "") + (d.Has("tls") ? $" ({d["tls"]})" : "");

    static string Saying(Detail d) => d.Has("reply") ? ": " + d["reply"] : "";

    static string After(Detail d) => long.TryParse(d["delay"], NumberStyles.None, CultureInfo.InvariantCulture, out var delay) && delay > 0 ? $"; after {QueuePrint.Span(TimeSpan.FromSeconds(Math.Min(delay, int.MaxValue)))}{Attempt(d)}" : Attempt(d);

    static string Attempt(Detail d) => d.Has("attempts") && d["attempts"] != "1" ? $"; attempt {d["attempts"]}" : "";

    /// <summary>The members of an event's detail as text; "" for what is not there.</summary>
    readonly struct Detail(JsonObject members)
    {
        public string this[string name] => Shown(members[name]);

        public bool Has(string name) => members[name] is not null;

        public string All()
        {
            var b = new StringBuilder();
            foreach (var (name, value) in members) b.Append(' ').Append(name).Append('=').Append(Shown(value));
            return b.ToString();
        }

        static string Shown(JsonNode? value) => value is JsonValue v && v.TryGetValue<string>(out var text) ? text : value?.ToJsonString() ?? "";
    }
}
