using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Blobs;

/// <summary>Rows of stored bodies and their reference counts.</summary>
sealed class BlobTable(ReadUnit unit)
{
    static readonly SqlText InsertOrCount = new("""
        INSERT INTO blobs (hash, pack, start, length, refs) VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (hash) DO UPDATE SET refs = blobs.refs + 1
        RETURNING id, pack, start, length
        """);
    static readonly SqlText CountUp = new("UPDATE blobs SET refs = refs + 1 WHERE id = $1 AND hash = $2");
    static readonly SqlText CountDown = new("UPDATE blobs SET refs = refs - 1 WHERE id = $1 RETURNING refs");
    static readonly SqlText Delete = new("DELETE FROM blobs WHERE id = $1");
    static readonly SqlText FindByHash = new("SELECT id, pack, start, length, hash FROM blobs WHERE hash = $1");
    static readonly SqlText KnownEnd = new("SELECT MAX(start + length) FROM blobs WHERE pack = $1");
    static readonly SqlText LiveOctets = new("SELECT pack, CAST(SUM(length) AS BIGINT) FROM blobs WHERE pack > 0 GROUP BY pack");
    static readonly SqlText InPack = new("SELECT id, pack, start, length, hash FROM blobs WHERE pack = $1 ORDER BY start");
    static readonly SqlText Page = new("SELECT id, pack, start, length, hash, refs FROM blobs WHERE id > $1 ORDER BY id LIMIT 500");
    static readonly SqlText MoveTo = new("UPDATE blobs SET pack = $1, start = $2 WHERE id = $3 AND pack = $4 AND start = $5");

    internal BlobLocation Insert(byte[] hash, int pack, long start, long length)
    {
        using var row = unit.Session.Use(InsertOrCount).Bind(1, hash).Bind(2, (long)pack).Bind(3, start).Bind(4, length);
        row.Step();
        return new(row.Int64(0), (int)row.Int64(1), row.Int64(2), row.Int64(3), hash);
    }

    internal void AddReference(BlobLocation blob)
    {
        if (unit.Session.Use(CountUp).Bind(1, blob.BlobId).Bind(2, blob.Hash).Run() == 0)
            throw new StoreException($"{blob} is no longer stored");
    }

    /// <summary>Counts down; the row goes with the last reference, its space later by garbage collection.</summary>
    internal void RemoveReference(long blobId)
    {
        if (unit.Session.Use(CountDown).Bind(1, blobId).Scalar() <= 0)
            unit.Session.Use(Delete).Bind(1, blobId).Run();
    }

    internal BlobLocation? Find(byte[] hash) => unit.Session.Use(FindByHash).Bind(1, hash).One(Location);

    /// <summary>The end of the last known body of a pack, or 0.</summary>
    internal long EndOf(int pack) => unit.Session.Use(KnownEnd).Bind(1, (long)pack).Scalar() ?? 0;

    internal Dictionary<int, long> LivePerPack() =>
        unit.Session.Use(LiveOctets).All(static r => ((int)r.Int64(0), r.Int64(1))).ToDictionary(static p => p.Item1, static p => p.Item2);

    internal List<BlobLocation> OfPack(int pack) => unit.Session.Use(InPack).Bind(1, (long)pack).All(Location);

    /// <summary>Up to 500 blobs after an id, with their reference counts.</summary>
    internal List<(BlobLocation Blob, long References)> After(long id) =>
        unit.Session.Use(Page).Bind(1, id).All(static r => (Location(r), r.Int64(5)));

    /// <summary>Notes that compaction copied the body; false when it went or moved meanwhile.</summary>
    internal bool Move(BlobLocation from, int pack, long start) =>
        unit.Session.Use(MoveTo).Bind(1, (long)pack).Bind(2, start).Bind(3, from.BlobId).Bind(4, (long)from.Pack).Bind(5, from.Offset).Run() > 0;

    internal static BlobLocation Location(ISqlStatement row) =>
        new(row.Int64(0), (int)row.Int64(1), row.Int64(2), row.Int64(3), row.Bytes(4));
}
