using System.Runtime.InteropServices;
using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>Makes several segments that follow each other one, without the messages that are gone. Holds one page of each.</summary>
static class SegmentMerge
{
    /// <param name="segments">Oldest first.</param>
    /// <param name="living">The messages that are still there, ascending.</param>
    /// <param name="ct">Stops between two keys.</param>
    internal static void Run(IndexTables tables, IReadOnlyList<IndexSegment> segments, int level, IReadOnlyList<long> living, CancellationToken ct)
    {
        var readers = segments.Select(s => new SegmentReader(tables, s)).ToArray();
        var places = new int[readers.Length][];
        var messages = new List<long>(living.Count);
        for (int r = 0, alive = 0; r < readers.Length; r++) places[r] = Place(readers[r].Messages(), living, ref alive, messages);
        if (messages.Count > 0)
        {
            var writer = new SegmentWriter(tables, segments[0].AccountId, level, CollectionsMarshal.AsSpan(messages));
            Merge(readers, places, writer, ct);
            writer.Finish();
        }
        foreach (var segment in segments) tables.RemoveSegment(segment.Id);
    }

    /// <summary>The new number of each message, or -1.</summary>
    static int[] Place(long[] old, IReadOnlyList<long> living, ref int alive, List<long> messages)
    {
        var places = new int[old.Length];
        for (var i = 0; i < old.Length; i++)
        {
            while (alive < living.Count && living[alive] < old[i]) alive++;
            places[i] = -1;
            if (alive == living.Count || living[alive] != old[i]) continue;
            places[i] = messages.Count;
            messages.Add(old[i]);
        }
        return places;
    }

    static void Merge(SegmentReader[] readers, int[][] places, SegmentWriter writer, CancellationToken ct)
    {
        var next = new PriorityQueue<int, (int Key, int Reader)>(readers.Length);
        for (var r = 0; r < readers.Length; r++)
            if (readers[r].MoveNext()) next.Enqueue(r, (readers[r].Key, r));
        var (old, list) = (new List<int>(), new List<int>());
        while (next.TryPeek(out _, out var first))
        {
            ct.ThrowIfCancellationRequested();
            list.Clear();
            while (next.TryPeek(out var r, out var head) && head.Key == first.Key)
            {
                old.Clear();
                readers[r].List.CopyTo(old, readers[r].Count);
                foreach (var message in old)
                    if (places[r][message] is var place and >= 0) list.Add(place);
                if (readers[r].MoveNext()) next.DequeueEnqueue(r, (readers[r].Key, r));
                else next.Dequeue();
            }
            writer.Add(first.Key, CollectionsMarshal.AsSpan(list));
        }
    }
}
