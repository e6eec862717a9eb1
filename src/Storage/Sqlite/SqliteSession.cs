using System.Text;
using Posthorn.Storage.Sql;
using SQLitePCL;

namespace Posthorn.Storage.Sqlite;

/// <summary>One SQLite connection (opened without SQLite's own mutex: one thread at a time).</summary>
sealed class SqliteSession : ISqlSession
{
    static readonly SqlText BeginRead = new("BEGIN");
    static readonly SqlText BeginWrite = new("BEGIN IMMEDIATE");
    static readonly SqlText CommitText = new("COMMIT");
    static readonly SqlText RollbackText = new("ROLLBACK");
    static readonly SqlText SavepointText = new("SAVEPOINT unit");
    static readonly SqlText ReleaseText = new("RELEASE unit");
    static readonly SqlText UndoText = new("ROLLBACK TO unit");

    readonly bool _writer;
    SqliteStatement?[] _statements = new SqliteStatement?[128];

    internal SqliteSession(string path, bool writer)
    {
        _writer = writer;
        // A reader opens the file for writing too (WAL needs its index file) but is held to reading by query_only.
        var flags = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX | (writer ? raw.SQLITE_OPEN_CREATE : 0);
        Check(raw.sqlite3_open_v2(path, out var db, flags, null!), db, "open " + path);
        Db = db;
        raw.sqlite3_extended_result_codes(db, 1);
        raw.sqlite3_busy_timeout(db, 10_000);
        if (!writer)
            raw.sqlite3_db_config(db, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);
        // Checkpoints belong to the writer between groups, never to a commit (reliability: one connection does them all).
        raw.sqlite3_wal_autocheckpoint(db, 0);
        RunScript(writer
            ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
            : "PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-4000; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;");
    }

    internal sqlite3 Db { get; }

    public SqlFault Fault { get; private set; }

    public ISqlStatement Use(SqlText sql) => Find(sql);

    public void Begin(bool write)
    {
        Fault = SqlFault.None;
        Find(write ? BeginWrite : BeginRead).Run();
    }

    public void Commit() => Find(CommitText).Run();

    public void Rollback()
    {
        if (raw.sqlite3_get_autocommit(Db) == 0)
            Find(RollbackText).Run();
    }

    public void Savepoint() => Find(SavepointText).Run();
    public void Release() => Find(ReleaseText).Run();

    public void RollbackToSavepoint()
    {
        Find(UndoText).Run();
        Find(ReleaseText).Run();
    }

    public void RunScript(string script)
    {
        var rest = script;
        while (rest.AsSpan().Trim().Length > 0)
        {
            Check(raw.sqlite3_prepare_v2(Db, rest, out var statement, out rest), rest);
            if (statement.IsInvalid)
                continue;
            using (statement)
            {
                int code;
                while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
                {
                }
                Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code, script);
            }
        }
    }

    internal void Check(int code, string what)
    {
        if (code != raw.SQLITE_OK)
            Check(code, Db, what);
    }

    void Check(int code, sqlite3 db, string what)
    {
        if (code == raw.SQLITE_OK)
            return;
        var text = raw.sqlite3_errmsg(db).utf8_to_string();
        var extended = raw.sqlite3_extended_errcode(db);
        var fault = Classify(code & 0xff);
        if (fault > Fault)
            Fault = fault;
        throw new SqlFaultException(fault, $"SQLite: {text} (code {extended}) in: {what}");
    }

    SqlFault Classify(int code)
    {
        if (code == raw.SQLITE_FULL)
            return SqlFault.Full;
        // A read connection's error is that query's own; on the writer a failed write or a broken page ends all trust.
        if (code == raw.SQLITE_IOERR || code == raw.SQLITE_CORRUPT || code == raw.SQLITE_NOTADB)
            return _writer ? SqlFault.Poison : SqlFault.Damage;
        if (code == raw.SQLITE_CONSTRAINT || code == raw.SQLITE_MISMATCH || code == raw.SQLITE_TOOBIG
            || code == raw.SQLITE_ERROR || code == raw.SQLITE_MISUSE || code == raw.SQLITE_RANGE)
            return SqlFault.Constraint;
        return SqlFault.Unavailable;
    }

    SqliteStatement Find(SqlText sql)
    {
        if (sql.Id >= _statements.Length)
            Array.Resize(ref _statements, Math.Max(SqlText.Count, sql.Id + 1) + 32);
        return (_statements[sql.Id] ??= new SqliteStatement(this, sql)).Fresh();
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement?.Close();
        raw.sqlite3_close_v2(Db);
    }
}
