using System.Globalization;
using System.Text.Json.Nodes;
using Posthorn.Verbs;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Sendmail;

/// <summary>The queue in the form of Postfix's mailq, which scripts take apart.</summary>
static class MailqForm
{
    public static void Print(JsonObject result, TextWriter to)
    {
        var messages = Items(result, "recipients").GroupBy(static r => (string?)r["id"]).ToList();
        if (messages.Count == 0)
        {
            to.WriteLine("Mail queue is empty");
            return;
        }
        to.WriteLine("-Queue ID-      --Size-- ----Arrival Time---- -Sender/Recipient-------");
        var octets = 0L;
        foreach (var message in messages)
        {
            var first = message.First();
            octets += (long)first["size"]!;
            // "*" is being delivered, "!" is on hold.
            var mark = message.Any(static r => (string?)r["state"] == "leased") ? '*' : message.All(static r => (string?)r["state"] == "held") ? '!' : ' ';
            var sender = (string?)first["sender"] is { Length: > 0 } from ? from : "MAILER-DAEMON";
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{message.Key + mark,-15} {first["size"],8} {QueuePrint.Parse(first["received"]):ddd MMM d HH:mm:ss}  {sender}").TrimEnd());
            foreach (var group in message.GroupBy(static r => (string?)r["lastReply"]))
            {
                if (!string.IsNullOrEmpty(group.Key)) to.WriteLine($"{"(" + QueuePrint.Clean(group.Key) + ")",78}");
                foreach (var r in group) to.WriteLine($"{"",45}{r["recipient"]}");
            }
            to.WriteLine();
        }
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"-- {(octets + 1023) / 1024} Kbytes in {messages.Count} Request{(messages.Count == 1 ? "" : "s")}."));
    }
}
