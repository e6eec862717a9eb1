using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Search;

/// <summary>The tables of the search index: positions of accounts, segments, and their pages of posting lists.</summary>
public sealed class IndexTables
{
    /// <summary>Bits of a page's id that tell its first key; the segment's id stands above.</summary>
    const int KeyBits = 23;

    static readonly SqlText AllPositions = new("SELECT account_id, last, seal FROM positions ORDER BY account_id");
    static readonly SqlText OnePosition = new("SELECT account_id, last, seal FROM positions WHERE account_id = $1");
    static readonly SqlText PutPosition = new("INSERT INTO positions (account_id, last, seal) VALUES ($1, $2, $3) ON CONFLICT (account_id) DO UPDATE SET last = $2, seal = $3");
    static readonly SqlText DropPosition = new("DELETE FROM positions WHERE account_id = $1");
    static readonly SqlText SegmentsOf = new("SELECT id, account_id, level, first, last, count FROM segments WHERE account_id = $1 ORDER BY first");
    static readonly SqlText MessagesOf = new("SELECT messages FROM segments WHERE id = $1");
    static readonly SqlText InsertSegment = new("INSERT INTO segments (account_id, level, first, last, count, messages) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id");
    static readonly SqlText DeleteSegment = new("DELETE FROM segments WHERE id = $1");
    static readonly SqlText DeletePages = new("DELETE FROM pages WHERE id >= $1 AND id < $2");
    static readonly SqlText InsertPage = new("INSERT INTO pages (id, octets) VALUES ($1, $2)");
    static readonly SqlText PageOf = new("SELECT id, octets FROM pages WHERE id <= $1 AND id >= $2 ORDER BY id DESC LIMIT 1");
    static readonly SqlText PageAfter = new("SELECT id, octets FROM pages WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 1");
    static readonly SqlText CountAll = new("SELECT COUNT(*), CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM segments");
    static readonly SqlText CountPositions = new("SELECT COUNT(*) FROM positions");

    readonly ISqlSession _session;

    internal IndexTables(ISqlSession session) => _session = session;

    public IReadOnlyList<IndexPosition> Positions() => _session.Use(AllPositions).All(Position);

    public IndexPosition? Position(long accountId) => _session.Use(OnePosition).Bind(1, accountId).One(Position);

    public void SetPosition(IndexPosition position) =>
        _session.Use(PutPosition).Bind(1, position.AccountId).Bind(2, position.Last).Bind(3, position.Seal).Run();

    /// <summary>The segments of an account, oldest first: their messages follow each other.</summary>
    public IReadOnlyList<IndexSegment> Segments(long accountId) => _session.Use(SegmentsOf).Bind(1, accountId).All(static r =>
        new IndexSegment(r.Int64(0), r.Int64(1), (int)r.Int64(2), r.Int64(3), r.Int64(4), (int)r.Int64(5)));

    /// <summary>The ids of a segment's messages, encoded; empty when there is no such segment.</summary>
    public byte[] Messages(long segmentId) => _session.Use(MessagesOf).Bind(1, segmentId).One(static r => r.Bytes(0)) ?? [];

    /// <summary>Adds a segment, whose id is given here, and returns that.</summary>
    public long AddSegment(IndexSegment segment, byte[] messages) => _session.Use(InsertSegment).Bind(1, segment.AccountId).Bind(2, (long)segment.Level)
        .Bind(3, segment.First).Bind(4, segment.Last).Bind(5, (long)segment.Count).Bind(6, messages).Scalar()!.Value;

    /// <summary>Removes a segment with its pages.</summary>
    public void RemoveSegment(long segmentId)
    {
        _session.Use(DeletePages).Bind(1, segmentId << KeyBits).Bind(2, (segmentId + 1) << KeyBits).Run();
        _session.Use(DeleteSegment).Bind(1, segmentId).Run();
    }

    /// <summary>Forgets an account.</summary>
    public void RemoveAccount(long accountId)
    {
        foreach (var segment in Segments(accountId))
            RemoveSegment(segment.Id);
        _session.Use(DropPosition).Bind(1, accountId).Run();
    }

    public void AddPage(long segmentId, int firstKey, ReadOnlySpan<byte> octets) =>
        _session.Use(InsertPage).Bind(1, segmentId << KeyBits | (uint)firstKey).Bind(2, octets).Run();

    /// <summary>The page in which a key must stand; null when all pages begin above it.</summary>
    public (int FirstKey, byte[] Octets)? PageFor(long segmentId, int key)
    {
        using var row = _session.Use(PageOf).Bind(1, segmentId << KeyBits | (uint)key).Bind(2, segmentId << KeyBits);
        return row.Step() ? Page(row) : null;
    }

    /// <summary>The first page that begins at a key or above it.</summary>
    public (int FirstKey, byte[] Octets)? NextPage(long segmentId, int key)
    {
        using var row = _session.Use(PageAfter).Bind(1, segmentId << KeyBits | (uint)key).Bind(2, (segmentId + 1) << KeyBits);
        return row.Step() ? Page(row) : null;
    }

    public IndexCounts Counts()
    {
        var accounts = _session.Use(CountPositions).Scalar() ?? 0;
        using var row = _session.Use(CountAll);
        row.Step();
        return new(accounts, row.Int64(0), row.Int64(1));
    }

    static (int, byte[]) Page(ISqlStatement row) => ((int)(row.Int64(0) & ((1L << KeyBits) - 1)), row.Bytes(1));

    static IndexPosition Position(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Int64(2));
}
