using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Files;
using Posthorn.Storage.Migrations;
using Posthorn.Storage.Postgres;
using Posthorn.Storage.Sql;
using Posthorn.Storage.Sqlite;
using Posthorn.Storage.Writing;

namespace Posthorn.Storage;

/// <summary>
/// The store: one writer that commits in groups, many readers, immutable blobs. "Committed" means synced to disk.
/// </summary>
public sealed class MailStore : IAsyncDisposable
{
    /// <summary>Idle read connections kept.</summary>
    const int MostIdleReaders = 16;

    readonly StoreOptions _options;
    readonly TimeProvider _time;
    readonly DataDirectory _directory;
    readonly ISqlEngine _engine;
    readonly BlobFiles _files;
    readonly ISqlSession? _writerSession;
    readonly PackWriter? _packs;
    readonly GroupWriter? _writer;
    readonly TraceClock _traces;
    readonly ConcurrentBag<ReadUnit> _readers = [];
    int _idleReaders;
    volatile bool _disposed;

    MailStore(StoreOptions options, TimeProvider time, ILogger logger, Disk disk, IReadOnlyList<string> migrations)
    {
        _options = options;
        _time = time;
        _directory = new DataDirectory(options.Directory, disk, time, !options.ReadOnly);
        try
        {
            Changes = new ChangeHub(logger);
            var folder = new BlobFolder(_directory);
            _files = new BlobFiles(folder);
            _engine = options.Postgres is { } connection ? new PostgresEngine(connection) : new SqliteEngine(_directory);
            if (options.ReadOnly)
            {
                Read(u => Schema.Read(_engine, u.Session, migrations.Count));
                _traces = new TraceClock(time, 0);
                return;
            }
            _writerSession = _engine.OpenWriter();
            Schema.Upgrade(_engine, _writerSession, migrations, logger);
            _directory.MakeFolder("blobs");
            _directory.MakeFolder(Path.Combine("blobs", "big"));
            _traces = new TraceClock(time, Read(static u => u.Events.Highest()));
            _packs = new PackWriter(folder, options.PackSize, pack => Read(u => u.Blobs.EndOf(pack)));
            var unit = new WriteUnit(_writerSession, time, _packs, _traces);
            _writer = new GroupWriter(_engine, _writerSession, _packs, unit, Changes, _directory, options.GroupSize, logger);
        }
        catch
        {
            CloseReaders();
            _packs?.Dispose();
            _writerSession?.Dispose();
            _engine?.Dispose();
            _directory.Dispose();
            throw;
        }
    }

    /// <summary>Committed changes, in commit order, after commit.</summary>
    public ChangeHub Changes { get; }

    /// <summary>Completes when the store is poisoned; the process then exits with code 74.</summary>
    public Task<StorePoisonedException> Poisoned => Writer.Poisoned;

    internal DataDirectory Root => _directory;
    internal BlobFiles Files => _files;
    internal ISqlEngine Engine => _engine;
    internal TimeProvider Time => _time;
    internal PackWriter Packs => _packs!;

    GroupWriter Writer => _writer ?? throw new InvalidOperationException("the store was opened for reading only");

    /// <summary>Opens the store, making or upgrading it. Refuses a schema newer than this program by name.</summary>
    public static Task<MailStore> OpenAsync(StoreOptions options, TimeProvider time, ILogger logger) =>
        OpenAsync(options, time, logger, new Disk(), Schema.Known);

    internal static Task<MailStore> OpenAsync(StoreOptions options, TimeProvider time, ILogger logger, Disk disk, IReadOnlyList<string> migrations) =>
        Task.Run(() => new MailStore(options, time, logger, disk, migrations));

    /// <summary>
    /// Runs <paramref name="unit"/> on the writer, inside its own savepoint, and completes once the group that holds it is
    /// durable. What the unit throws undoes that unit alone and reaches the caller. The unit must be quick, synchronous and
    /// free of outside effects: it may run again.
    /// </summary>
    public ValueTask<T> WriteAsync<T>(Func<WriteUnit, T> unit, CancellationToken ct = default)
    {
        ThrowIfUnusable();
        var item = new WorkItem<T>(unit, ct);
        Writer.Enqueue(item);
        return item.Task;
    }

    /// <summary>Runs a query on a read connection, on the caller's thread, in one snapshot.</summary>
    public T Read<T>(Func<ReadUnit, T> query)
    {
        ThrowIfUnusable();
        var unit = RentReader();
        var healthy = false;
        try
        {
            unit.Session.Begin(write: false);
            try
            {
                var result = query(unit);
                healthy = true;
                return result;
            }
            finally
            {
                unit.Session.Rollback();
            }
        }
        catch (SqlFaultException e) when (e.Fault == SqlFault.Damage)
        {
            throw new StoreDamageException(e.Message);
        }
        finally
        {
            // A connection that has seen an error is not worth keeping.
            if (healthy)
                ReturnReader(unit);
            else
                unit.Session.Dispose();
        }
    }

    /// <summary>A new body: memory first, a temporary file when it grows. Dispose it whether or not it was stored.</summary>
    public BlobWriter NewBlob()
    {
        ThrowIfUnusable();
        return new BlobWriter(_files.Folder, Writer.SetPoison);
    }

    /// <summary>Opens a stored body for reading; its SHA-256 is checked before a single octet is handed out.</summary>
    public BlobReader OpenBlob(BlobLocation location)
    {
        if (location.Pack > 0)
            return new BlobReader(ReadBlob(location));
        var file = _files.TryOpenBig(location) ?? throw new StoreDamageException(location.ToString());
        return new BlobReader(file, location.Length);
    }

    /// <summary>
    /// The checked octets of a body of at most 1 MiB in a pooled buffer, by one read: the quick way for POP3 and IMAP. Throws
    /// <see cref="StoreDamageException"/> when the body is not what was stored.
    /// </summary>
    public BlobBody ReadBlob(BlobLocation location)
    {
        ThrowIfUnusable();
        if (_files.TryReadSmall(location) is { } body)
            return body;
        // Compaction may have moved the body and removed the old pack since the location was read.
        var moved = Read(u => u.Blobs.Find(location.Hash));
        if (moved is not null && (moved.Pack, moved.Offset) != (location.Pack, location.Offset) && _files.TryReadSmall(moved) is { } again)
            return again;
        throw new StoreDamageException(location.ToString());
    }

    /// <summary>False when free space is under the floor for a message of this size.</summary>
    public bool HasRoomFor(long messageSize) => _directory.FreeForMail >= Math.Max(_options.MinimumFree, messageSize + messageSize / 2);

    /// <summary>A new message id: 64 bits, rising with time, never given twice.</summary>
    public TraceId NewTraceId() => _traces.Next();

    /// <summary>
    /// Reclaims space: removes packs without a living body, copies the bodies of packs that are less than half alive into the
    /// current one, removes large files that no row names and that are older than 24 hours.
    /// </summary>
    public Task<GarbageReport> CollectGarbageAsync(CancellationToken ct = default) => new GarbageCollector(this).RunAsync(ct);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        CloseReaders();
        if (_writer is not null)
            await _writer.StopAsync();
        _packs?.Dispose();
        _writerSession?.Dispose();
        _files.Dispose();
        _engine.Dispose();
        _directory.Dispose();
    }

    void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_writer?.Poison is { } poison)
            throw new StorePoisonedException(poison.Message, poison);
    }

    ReadUnit RentReader()
    {
        if (!_readers.TryTake(out var unit))
            return new ReadUnit(_engine.OpenReader(), _time);
        Interlocked.Decrement(ref _idleReaders);
        return unit;
    }

    void ReturnReader(ReadUnit unit)
    {
        if (_disposed || Interlocked.Increment(ref _idleReaders) > MostIdleReaders)
        {
            Interlocked.Decrement(ref _idleReaders);
            unit.Session.Dispose();
            return;
        }
        _readers.Add(unit);
    }

    void CloseReaders()
    {
        while (_readers.TryTake(out var unit))
            unit.Session.Dispose();
    }
}
