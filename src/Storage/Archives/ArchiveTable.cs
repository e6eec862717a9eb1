using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Archives;

/// <summary>The archives of accounts and what is in them.</summary>
public sealed class ArchiveTable
{
    static readonly SqlText Everything = new("SELECT id, account_id, directory, format, every, due, finished, failure, created FROM archives ORDER BY account_id, directory");
    static readonly SqlText OfAccount = new("SELECT id, account_id, directory, format, every, due, finished, failure, created FROM archives WHERE account_id = $1 ORDER BY directory");
    static readonly SqlText DueOnes = new("SELECT id, account_id, directory, format, every, due, finished, failure, created FROM archives WHERE every > 0 AND due <= $1 ORDER BY due");
    static readonly SqlText Insert = new("""
        INSERT INTO archives (account_id, directory, format, every, due, failure, created) VALUES ($1, $2, $3, $4, $5, '', $6)
        ON CONFLICT (account_id, directory) DO UPDATE SET every = $4, due = $5
        RETURNING id, account_id, directory, format, every, due, finished, failure, created
        """);
    static readonly SqlText SetFinished = new("UPDATE archives SET due = $1, finished = $2, failure = '' WHERE id = $3");
    static readonly SqlText SetFailed = new("UPDATE archives SET due = $1, failure = $2 WHERE id = $3");
    static readonly SqlText Delete = new("DELETE FROM archives WHERE id = $1");
    static readonly SqlText DeletePlaces = new("DELETE FROM archived WHERE archive_id = $1");
    static readonly SqlText OfMailbox = new("SELECT mailbox_id, uid, file, hash FROM archived WHERE archive_id = $1 AND mailbox_id = $2 ORDER BY uid");
    static readonly SqlText InsertPlace = new("""
        INSERT INTO archived (archive_id, mailbox_id, uid, file, hash) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (archive_id, mailbox_id, uid) DO UPDATE SET file = $4, hash = $5
        """);
    static readonly SqlText DeletePlace = new("DELETE FROM archived WHERE archive_id = $1 AND mailbox_id = $2 AND uid = $3");
    static readonly SqlText Tidy = new("""
        DELETE FROM archived WHERE archive_id = $1
        AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.mailbox_id = archived.mailbox_id AND p.uid = archived.uid)
        """);
    static readonly SqlText DeletePlacesOf = new("DELETE FROM archived WHERE archive_id IN (SELECT id FROM archives WHERE account_id = $1)");
    static readonly SqlText DeleteOf = new("DELETE FROM archives WHERE account_id = $1");

    readonly ReadUnit _unit;

    internal ArchiveTable(ReadUnit unit) => _unit = unit;

    public IReadOnlyList<ArchiveRow> All() => _unit.Session.Use(Everything).All(Row);

    public IReadOnlyList<ArchiveRow> Of(long accountId) => _unit.Session.Use(OfAccount).Bind(1, accountId).All(Row);

    /// <summary>Those whose time has come, the longest overdue first.</summary>
    public IReadOnlyList<ArchiveRow> Due(DateTimeOffset now) => _unit.Session.Use(DueOnes).Bind(1, now.ToMicroseconds()).All(Row);

    /// <summary>Adds an archive, or changes how often it is written. The format of one that is there stays.</summary>
    /// <param name="every">Zero: only when it is asked for.</param>
    public ArchiveRow Set(long accountId, string directory, ArchiveFormat format, TimeSpan every, DateTimeOffset due) => _unit.Writing.Session.Use(Insert)
        .Bind(1, accountId).Bind(2, directory).Bind(3, (long)format).Bind(4, every.Ticks / TimeSpan.TicksPerMicrosecond).Bind(5, due.ToMicroseconds()).Bind(6, _unit.Now).One(Row)!;

    /// <summary>Notes a run that went well, and drops what it says of places that are no more.</summary>
    public void Finish(long archiveId, DateTimeOffset now, DateTimeOffset due)
    {
        _unit.Writing.Session.Use(Tidy).Bind(1, archiveId).Run();
        _unit.Session.Use(SetFinished).Bind(1, due.ToMicroseconds()).Bind(2, now.ToMicroseconds()).Bind(3, archiveId).Run();
    }

    /// <summary>Notes a run that failed.</summary>
    public void Fail(long archiveId, string failure, DateTimeOffset due) => _unit.Writing.Session.Use(SetFailed).Bind(1, due.ToMicroseconds()).Bind(2, failure).Bind(3, archiveId).Run();

    /// <summary>Forgets an archive; its files stay.</summary>
    public void Remove(long archiveId)
    {
        _unit.Writing.Session.Use(DeletePlaces).Bind(1, archiveId).Run();
        _unit.Session.Use(Delete).Bind(1, archiveId).Run();
    }

    /// <summary>What of a mailbox is in an archive, by UID.</summary>
    public IReadOnlyList<ArchivedRow> Places(long archiveId, long mailboxId) =>
        _unit.Session.Use(OfMailbox).Bind(1, archiveId).Bind(2, mailboxId).All(static r => new ArchivedRow(r.Int64(0), (uint)r.Int64(1), r.Text(2), r.Bytes(3)));

    public void Add(long archiveId, ArchivedRow place) => _unit.Writing.Session.Use(InsertPlace)
        .Bind(1, archiveId).Bind(2, place.MailboxId).Bind(3, (long)place.Uid).Bind(4, place.File).Bind(5, place.Hash).Run();

    /// <summary>Forgets a place: its file is not what it was, so it has to be archived again.</summary>
    public void Forget(long archiveId, long mailboxId, uint uid) => _unit.Writing.Session.Use(DeletePlace).Bind(1, archiveId).Bind(2, mailboxId).Bind(3, (long)uid).Run();

    internal void RemoveAll(long accountId)
    {
        _unit.Session.Use(DeletePlacesOf).Bind(1, accountId).Run();
        _unit.Session.Use(DeleteOf).Bind(1, accountId).Run();
    }

    static ArchiveRow Row(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), (ArchiveFormat)r.Int64(3), TimeSpan.FromMicroseconds(r.Int64(4)),
        Times.FromMicroseconds(r.Int64(5)), r.Int64OrNull(6) is { } finished ? Times.FromMicroseconds(finished) : null, r.Text(7), Times.FromMicroseconds(r.Int64(8)));
}
