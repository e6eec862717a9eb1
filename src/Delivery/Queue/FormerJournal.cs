namespace Posthorn.Delivery.Queue;

/// <summary>What the journal of a former run tells.</summary>
/// <param name="IsWhole">
/// True when that run ended without the machine: then what is not in the journal did not happen. After a power cut the end
/// of a journal may be missing, since it is not synced.
/// </param>
sealed record FormerJournal(string Owner, bool IsWhole, IReadOnlyDictionary<(long Recipient, long Generation), JournalRecord> Last)
{
    /// <summary>A journal is kept small; a file larger than this is none.</summary>
    const long Largest = 256 << 20;

    static readonly FormerJournal None = new("", false, new Dictionary<(long, long), JournalRecord>());

    /// <summary>Reads as far as the file is sound; a missing one tells nothing. Throws nothing that concerns the file.</summary>
    internal static FormerJournal Read(string path, string boot)
    {
        byte[] octets;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > Largest) return None;
            octets = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return None;
        }
        var rest = octets.AsSpan();
        if (!JournalRecord.TryRead(rest, out var opened, out var used) || opened.Kind != JournalKind.Opened || opened.Text.Split('\n') is not [var owner, var itsBoot]) return None;
        var last = new Dictionary<(long, long), JournalRecord>();
        for (rest = rest[used..]; JournalRecord.TryRead(rest, out var record, out used); rest = rest[used..])
            if (record.Kind == JournalKind.Taken || !last.TryGetValue((record.Recipient, record.Generation), out var before) || before.Kind != JournalKind.Taken)
                last[(record.Recipient, record.Generation)] = record;
        return new FormerJournal(owner, boot.Length > 0 && itsBoot == boot, last);
    }
}
