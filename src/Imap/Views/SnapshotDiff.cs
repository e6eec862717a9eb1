namespace Posthorn.Imap.Views;

/// <summary>What is different between two snapshots of a mailbox. Chunks that both have are passed over.</summary>
sealed class SnapshotDiff
{
    /// <summary>Indices in the old one of messages that are gone, ascending.</summary>
    internal List<int> Gone { get; } = [];

    /// <summary>Indices in the new one of messages that both have and whose flags changed, ascending.</summary>
    internal List<int> Changed { get; } = [];

    /// <summary>Messages that the new one has and the old one has not.</summary>
    internal int Arrived { get; private set; }

    internal static SnapshotDiff Of(Snapshot old, Snapshot now)
    {
        var diff = new SnapshotDiff();
        int a = 0, b = 0, oldAt = 0, nowAt = 0; // chunks, and indices of their first rows
        int i = 0, j = 0; // rows in them
        while (a < old.Chunks.Length || b < now.Chunks.Length)
        {
            if (a < old.Chunks.Length && i == old.Chunks[a].Length) (oldAt, i, a) = (oldAt + i, 0, a + 1);
            else if (b < now.Chunks.Length && j == now.Chunks[b].Length) (nowAt, j, b) = (nowAt + j, 0, b + 1);
            else if (i == 0 && j == 0 && a < old.Chunks.Length && b < now.Chunks.Length && ReferenceEquals(old.Chunks[a], now.Chunks[b]))
                (i, j) = (old.Chunks[a].Length, now.Chunks[b].Length);
            else if (b == now.Chunks.Length || a < old.Chunks.Length && old.Chunks[a][i].Uid < now.Chunks[b][j].Uid) diff.Gone.Add(oldAt + i++);
            else if (a == old.Chunks.Length || now.Chunks[b][j].Uid < old.Chunks[a][i].Uid)
            {
                diff.Arrived++;
                j++;
            }
            else
            {
                if (old.Chunks[a][i].ModSeq != now.Chunks[b][j].ModSeq) diff.Changed.Add(nowAt + j);
                i++;
                j++;
            }
        }
        return diff;
    }

    /// <summary>The new snapshot with the messages that are gone still in it, as they were last: what a session counts by that cannot be told yet.</summary>
    internal static Snapshot Keep(Snapshot old, Snapshot now, SnapshotDiff diff)
    {
        if (diff.Gone.Count == 0) return now;
        var builder = new SnapshotBuilder(now.Keywords, now.UidNext, now.HighestModSeq);
        var g = 0;
        foreach (var chunk in now.Chunks)
            foreach (ref readonly var row in chunk.AsSpan())
            {
                while (g < diff.Gone.Count && old[diff.Gone[g]].Uid < row.Uid) Kept(old[diff.Gone[g++]]);
                builder.Append(row);
            }
        while (g < diff.Gone.Count) Kept(old[diff.Gone[g++]]);
        return builder.Build();

        void Kept(Row row)
        {
            if (old.Keywords != now.Keywords) row.SetState(row.Flags, now.Keywords.NumberOf(old.Keywords.Text(row.Keywords)));
            builder.Append(row);
        }
    }
}
