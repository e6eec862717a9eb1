using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Cli;
using Posthorn.Mime.Headers;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary><c>queue show</c>: all that is known of one queued message.</summary>
static class QueueShow
{
    const int MostHeader = 64 << 10, MostRecipients = 1000;

    public static JsonObject Of(VerbContext context, string text)
    {
        if (!TraceId.TryParse(text, out var id)) throw new VerbException(ExitCode.DataError, $"\"{text}\" is not the id of a message");
        var (rows, message) = context.Store.Read(r =>
        {
            var rows = r.Queue.List(new QueueFilter(Trace: id, Open: null), 0, MostRecipients);
            return (rows, rows.Count > 0 ? r.Queue.Message(rows[0].MessageId) : null);
        });
        if (rows.Count == 0) throw new VerbException(ExitCode.NoUser, $"there is no message {id} in the queue; \"posthorn trace {id}\" may know what became of it");
        return new JsonObject
        {
            ["at"] = Time(context.Time.GetUtcNow()),
            ["id"] = id.ToString(),
            ["sender"] = rows[0].ReversePath,
            ["login"] = message is { Sender: not 0 } && context.Directory.AddressOf(message.Sender) is { } login ? login.ToString() : null,
            ["trust"] = message?.Trust.ToString().ToLowerInvariant(),
            ["received"] = Time(rows[0].Received),
            ["size"] = rows[0].Size,
            ["body"] = message?.Body,
            ["smtpUtf8"] = message?.SmtpUtf8,
            ["ret"] = message?.Return,
            ["envid"] = message?.EnvelopeId,
            ["recipients"] = List(rows.Select(r => QueueVerbs.Of(r, QueueChoice.TransportOf(context, r)))),
            ["header"] = message is null ? null : Header(context, message),
            ["story"] = TraceVerbs.Events(context, id),
        };
    }

    /// <summary>The header as it will be sent; null when the body cannot be read.</summary>
    static string? Header(VerbContext context, QueuedMessage message)
    {
        try
        {
            using var reader = context.Store.OpenBlob(message.Blob);
            var octets = new byte[(int)Math.Min(reader.Length, MostHeader)];
            var length = 0;
            while (length < octets.Length && reader.Read(length, octets.AsSpan(length)) is > 0 and var n) length += n;
            var header = octets.AsSpan(0, Math.Min(length, HeaderSummary.Read(octets.AsSpan(0, length)).Length));
            return Encoding.UTF8.GetString(message.Prefix) + Encoding.UTF8.GetString(header);
        }
        catch (StoreDamageException) { return null; }
    }

    public static void Print(JsonObject r, TextWriter to)
    {
        var now = QueuePrint.Parse(r["at"])!.Value;
        Table(to,
        [
            ["Message", $"{r["id"]}"],
            ["Sender", $"<{r["sender"]}>" + (r["login"] is { } login ? $", logged in as {login}" : "") + ((string?)r["trust"] == "failed" ? ", not told of anything" : "")],
            ["Came", $"{r["received"]}, {QueuePrint.Span(now - QueuePrint.Parse(r["received"])!.Value)} ago"],
            ["Size", $"{Size((long)r["size"]!)}{(r["body"] is { } body ? ", " + body : "")}{((bool?)r["smtpUtf8"] == true ? ", SMTPUTF8" : "")}"],
            .. r["envid"] is { } envid ? (string[][])[["Envelope id", QueuePrint.Clean((string?)envid)]] : [],
            .. r["ret"] is { } ret ? (string[][])[["Notices return", $"{ret}"]] : [],
        ]);
        foreach (var recipient in Items(r, "recipients"))
        {
            to.WriteLine();
            var original = (string?)recipient["original"];
            to.WriteLine($"→ {recipient["recipient"]}" + (original != (string?)recipient["recipient"] ? $" (written as {original})" : "") + $"   number {recipient["number"]}");
            to.WriteLine($"  {QueuePrint.State(recipient, now)}" + (recipient["next"] is { } next ? $" ({next})" : ""));
            to.WriteLine($"  by {recipient["transport"]}" + (recipient["via"] is not null ? ", set by hand" : ""));
            if ((string?)recipient["lastReply"] is { Length: > 0 } reply) to.WriteLine("  last: " + QueuePrint.Clean(reply));
        }
        to.WriteLine();
        StoryWords.Print(r["story"]!.AsArray(), to, "");
        if ((string?)r["header"] is not { } header) return;
        to.WriteLine();
        to.Write(QueuePrint.Clean(header.ReplaceLineEndings("\n"), lines: true));
    }
}
