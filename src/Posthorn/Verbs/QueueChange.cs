using System.Text.Json.Nodes;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using static Posthorn.Verbs.VerbJson;

namespace Posthorn.Verbs;

/// <summary>Finds and changes queued recipients in pieces, so that a large queue neither stops the store's writer nor fills memory.</summary>
static class QueueChange
{
    /// <summary>Of what was changed no more is listed; all are counted.</summary>
    public const int MostShown = 1000;

    const int Piece = 500;

    /// <summary>Changes all that were chosen and writes it into the story of each.</summary>
    public static async Task<JsonObject> RunAsync(VerbContext context, QueueChoice choice, EventKind kind, Func<QueueTables, QueueFilter, int, IReadOnlyList<QueuedRecipient>> change, CancellationToken ct)
    {
        var seen = new HashSet<long>();
        var shown = new JsonArray();
        foreach (var filter in choice.Filters)
        {
            if (choice.Route is null)
            {
                // One that was changed may come back: retried, failed again, and waiting for its time. Once is enough.
                while (Keep(await ChangeAsync(filter, Piece).ConfigureAwait(false)) == Piece) { }
                continue;
            }
            foreach (var row in Find(context, choice with { Filters = [filter] }, int.MaxValue))
                Keep(await ChangeAsync(filter with { Recipient = row.Id }, 1).ConfigureAwait(false));
        }
        context.Queue?.Wake();
        return new JsonObject { ["changed"] = (long)seen.Count, ["recipients"] = shown };

        ValueTask<IReadOnlyList<QueuedRecipient>> ChangeAsync(QueueFilter filter, int most) => context.Store.WriteAsync(unit =>
        {
            var rows = change(unit.Queue, filter, most);
            foreach (var r in rows)
            {
                var detail = new JsonObject { ["to"] = r.Original, ["address"] = r.Address, ["by"] = "operator" };
                if (kind == EventKind.Rerouted) detail["via"] = r.Via ?? "routes";
                unit.Events.Add(r.Trace, kind, 0, detail.ToJsonString());
            }
            return rows;
        }, ct);

        int Keep(IReadOnlyList<QueuedRecipient> rows)
        {
            var fresh = 0;
            foreach (var r in rows)
            {
                if (!seen.Add(r.Id)) continue;
                fresh++;
                if (shown.Count < MostShown) shown.Add(QueueVerbs.Of(r, QueueChoice.TransportOf(context, r)));
            }
            return fresh;
        }
    }

    /// <summary>Those that were chosen, in the order in which they came, at most so many.</summary>
    public static List<QueuedRecipient> Find(VerbContext context, QueueChoice choice, int most)
    {
        var found = new List<QueuedRecipient>();
        foreach (var filter in choice.Filters)
        {
            var after = 0L;
            while (found.Count < most)
            {
                var rows = context.Store.Read(r => r.Queue.List(filter, after, Piece));
                foreach (var row in rows)
                    if (choice.Fits(context, row) && found.Count < most) found.Add(row);
                if (rows.Count < Piece) break;
                after = rows[^1].Id;
            }
        }
        return found;
    }
}
