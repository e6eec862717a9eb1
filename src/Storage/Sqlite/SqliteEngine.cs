using Posthorn.Storage.Files;
using Posthorn.Storage.Sql;
using SQLitePCL;

namespace Posthorn.Storage.Sqlite;

/// <summary>The embedded engine: <c>meta.db</c> in the data directory.</summary>
sealed class SqliteEngine : ISqlEngine
{
    /// <summary>Pages of 4 KiB written to the WAL after which the writer checkpoints between two groups: 16 MB.</summary>
    const int CheckpointAt = 4096;

    /// <summary>SQLITE_DBSTATUS_CACHE_WRITE: pages written since the connection opened. The WAL file itself never shrinks.</summary>
    const int PagesWritten = 9;

    static readonly SqlText Integrity = new("PRAGMA integrity_check(1000)");
    static readonly SqlText SnapshotInto = new("VACUUM INTO $1");
    static readonly SqlText FindSchema = new("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'");

    readonly DataDirectory _directory;
    readonly string _path;
    int _checkpointed;

    internal SqliteEngine(DataDirectory directory)
    {
        SqliteLibrary.Load();
        _directory = directory;
        _path = Path.Combine(directory.Root, "meta.db");
    }

    public ISqlSession OpenWriter()
    {
        // Made here so that it has its mode from the first octet on; SQLite gives the WAL the same mode.
        _directory.MakeFile(_path);
        return new SqliteSession(_path, writer: true);
    }

    public ISqlSession OpenReader() => new SqliteSession(_path, writer: false);

    public string Translate(string migration) => migration
        .Replace("{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT")
        .Replace("{rowid}", "INTEGER PRIMARY KEY")
        .Replace("{key}", "INTEGER PRIMARY KEY")
        .Replace("{bytes}", "BLOB")
        .Replace("{clustered}", "WITHOUT ROWID");

    public void Tidy(ISqlSession writer)
    {
        raw.sqlite3_db_status(((SqliteSession)writer).Db, PagesWritten, out var pages, out _, 0);
        if (pages - _checkpointed < CheckpointAt)
            return;
        _checkpointed = pages;
        Checkpoint(writer, raw.SQLITE_CHECKPOINT_PASSIVE);
    }

    public void Finish(ISqlSession writer) => Checkpoint(writer, raw.SQLITE_CHECKPOINT_TRUNCATE);

    static void Checkpoint(ISqlSession writer, int mode)
    {
        var session = (SqliteSession)writer;
        var code = raw.sqlite3_wal_checkpoint_v2(session.Db, "main", mode, out _, out _);
        // Busy: a reader holds an old snapshot; what could be written back was, the rest waits for the next time.
        if (code != raw.SQLITE_BUSY)
            session.Check(code, "checkpoint");
    }

    public string? Snapshot(ISqlSession writer, int schema)
    {
        var folder = _directory.MakeFolder("snapshots");
        var path = Path.Combine(folder, $"meta-before-{schema}.db");
        File.Delete(path);
        writer.Use(SnapshotInto).Bind(1, path).Run();
        _directory.Disk.SyncPath(path);
        _directory.Disk.SyncPath(folder);
        return path;
    }

    public IReadOnlyList<string> CheckIntegrity(ISqlSession session)
    {
        var rows = session.Use(Integrity).All(static r => r.Text(0));
        return rows is ["ok"] ? [] : rows;
    }

    public bool HasSchema(ISqlSession session) => session.Use(FindSchema).Scalar() > 0;

    public void Dispose()
    {
    }
}
