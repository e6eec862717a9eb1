using System.Collections.Concurrent;
using Posthorn.Storage.Sql;
using Posthorn.Storage.Sqlite;
using SQLitePCL;

namespace Posthorn.Storage.Search;

/// <summary>
/// <c>search.db</c> beside the store: a database of its own that nothing hangs on. It may be deleted while no server runs, and
/// is made anew whenever it is missing, of another version or damaged. One writes, many read. A crash leaves a state from a
/// short while ago.
/// </summary>
public sealed class IndexFile : IDisposable
{
    /// <summary>Idle read connections kept.</summary>
    const int MostIdleReaders = 4;

    /// <summary>Pages of 4 KiB written to the WAL after which it is written back: 16 MB.</summary>
    const int CheckpointAt = 4096;

    /// <summary>SQLITE_DBSTATUS_CACHE_WRITE: pages written since the connection opened. The WAL file itself never shrinks.</summary>
    const int PagesWritten = 9;

    static readonly SqlText[] Tables =
    [
        new("CREATE TABLE version (number INTEGER NOT NULL)"),
        new("CREATE TABLE positions (account_id INTEGER PRIMARY KEY, last INTEGER NOT NULL, seal INTEGER NOT NULL)"),
        new("""
            CREATE TABLE segments (
              id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, level INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
              count INTEGER NOT NULL, messages BLOB NOT NULL
            )
            """),
        new("CREATE INDEX segments_account ON segments (account_id, first)"),
        new("CREATE TABLE pages (id INTEGER PRIMARY KEY, octets BLOB NOT NULL)"),
    ];

    // What is lost by a crash is indexed once more: only write-backs are synced, so that mail never waits for this disk work.
    static readonly SqlText SyncLess = new("PRAGMA synchronous=NORMAL");
    static readonly SqlText CacheLess = new("PRAGMA cache_size=-8000");
    static readonly SqlText ReadVersion = new("SELECT number FROM version");
    static readonly SqlText WriteVersion = new("INSERT INTO version (number) VALUES ($1)");

    readonly string _path;
    readonly SqliteSession _writer;
    readonly Lock _writing = new();
    readonly ConcurrentBag<SqliteSession> _readers = [];
    int _idle, _checkpointed;
    volatile bool _closed;

    IndexFile(string path, SqliteSession writer) => (_path, _writer) = (path, writer);

    /// <summary>
    /// Opens the index of a store. One that was written by another <paramref name="version"/>, or that cannot be read, is
    /// thrown away. Throws <see cref="StoreException"/> when none can be made.
    /// </summary>
    /// <param name="version">What the octets in it mean; from 1 on.</param>
    public static IndexFile Open(MailStore store, int version)
    {
        var path = PathIn(store);
        if (File.Exists(path))
            try { return TryOpen(path, version) ?? Make(store, path, version); }
            catch (SqlFaultException e) when (e.Fault is SqlFault.Poison or SqlFault.Constraint) { }
        return Make(store, path, version);
    }

    /// <summary>Removes the index of a store; it must not be open for writing.</summary>
    public static void Delete(MailStore store) => Delete(PathIn(store));

    /// <summary>Octets of the file and of what waits to be written into it.</summary>
    public long Size => Length(_path) + Length(_path + "-wal");

    /// <summary>Reads in one snapshot. Throws <see cref="StoreDamageException"/> when the file is not what was written.</summary>
    public T Read<T>(Func<IndexTables, T> query)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_readers.TryTake(out var session)) Interlocked.Decrement(ref _idle);
        else session = new SqliteSession(_path, writer: false);
        var healthy = false;
        try
        {
            session.Begin(write: false);
            var result = query(new IndexTables(session));
            session.Rollback();
            healthy = true;
            return result;
        }
        catch (SqlFaultException e) when (e.Fault is SqlFault.Damage or SqlFault.Constraint) { throw new StoreDamageException(e.Message); }
        finally
        {
            if (healthy) Return(session);
            else session.Dispose();
        }
    }

    /// <summary>Writes in one transaction, one caller after the other; what the work throws undoes it. Errors as with reading.</summary>
    public T Write<T>(Func<IndexTables, T> work)
    {
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            try
            {
                _writer.Begin(write: true);
                var result = work(new IndexTables(_writer));
                _writer.Commit();
                Tidy();
                return result;
            }
            catch (SqlFaultException e) when (e.Fault is SqlFault.Poison or SqlFault.Constraint) { throw new StoreDamageException(e.Message); }
            catch (SqlFaultException e) when (e.Fault == SqlFault.Full) { throw new StoreFullException(e.Message); }
            finally { _writer.Rollback(); }
        }
    }

    /// <summary>The first connection of a file that is as it should be; null for one of another version.</summary>
    static IndexFile? TryOpen(string path, int version)
    {
        var writer = Connect(path);
        try
        {
            if (writer.Use(ReadVersion).Scalar() == version) return new IndexFile(path, writer);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
        writer.Dispose();
        return null;
    }

    static IndexFile Make(MailStore store, string path, int version)
    {
        Delete(path);
        store.Root.MakeFile(path);
        var writer = Connect(path);
        try
        {
            foreach (var table in Tables) writer.Use(table).Run();
            writer.Use(WriteVersion).Bind(1, (long)version).Run();
            return new IndexFile(path, writer);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    static SqliteSession Connect(string path)
    {
        SqliteLibrary.Load();
        var session = new SqliteSession(path, writer: true);
        session.Use(SyncLess).Run();
        session.Use(CacheLess).Run();
        return session;
    }

    void Tidy()
    {
        raw.sqlite3_db_status(_writer.Db, PagesWritten, out var pages, out _, 0);
        if (pages - _checkpointed < CheckpointAt) return;
        _checkpointed = pages;
        Checkpoint(raw.SQLITE_CHECKPOINT_PASSIVE);
    }

    /// <summary>Busy is no fault: a reader looks at an old state, the rest is written back the next time.</summary>
    void Checkpoint(int mode)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(_writer.Db, "main", mode, out _, out _);
        if (code != raw.SQLITE_BUSY) _writer.Check(code, "checkpoint");
    }

    void Return(SqliteSession session)
    {
        if (_closed || Interlocked.Increment(ref _idle) > MostIdleReaders)
        {
            Interlocked.Decrement(ref _idle);
            session.Dispose();
            return;
        }
        _readers.Add(session);
    }

    static string PathIn(MailStore store) => Path.Combine(store.Root.Root, "search.db");

    static void Delete(string path)
    {
        foreach (var end in new[] { "", "-wal", "-shm" }) File.Delete(path + end);
    }

    static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    public void Dispose()
    {
        lock (_writing)
        {
            if (_closed) return;
            _closed = true;
            while (_readers.TryTake(out var session)) session.Dispose();
            try { Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE); }
            catch (SqlFaultException) { } // damaged: it is thrown away when it is opened next
            _writer.Dispose();
        }
    }
}
