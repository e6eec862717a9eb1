using Microsoft.Extensions.Logging;

namespace Posthorn.Storage;

/// <summary>Where and how the store lives.</summary>
public sealed record StoreOptions
{
    /// <summary>The data directory: <c>meta.db</c>, <c>blobs/</c>, <c>tmp/</c>. Made with mode 0700 when missing.</summary>
    public required string Directory { get; init; }

    /// <summary>A Npgsql connection string: metadata lives in PostgreSQL instead of SQLite. Null for the embedded store.</summary>
    public string? Postgres { get; init; }

    /// <summary>Units that may share one commit.</summary>
    public int GroupSize { get; init; } = 256;

    /// <summary>Below this many free octets new mail is refused with 452 (promise 5 of reliability).</summary>
    public long MinimumFree { get; init; } = 64L << 20;
}

/// <summary>The store refuses: nothing was changed. The message is for the administrator.</summary>
public class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The disk is full: temporary; the unit that met it was rolled back whole.</summary>
public sealed class StoreFullException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>
/// A sync or write failed, so nothing can be trusted any more: every later call fails with this, the process must end
/// (exit code 74) and open the store anew.
/// </summary>
public sealed class StorePoisonedException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>A stored thing is not what was stored (hash, length, decoding). Names the thing; never served.</summary>
public sealed class StoreDamageException(string what) : StoreException("damaged: " + what);

/// <summary>
/// The store: one writer that commits in groups, many readers, immutable blobs. "Committed" means synced to disk.
/// </summary>
public sealed class MailStore : IAsyncDisposable
{
    MailStore() { }

    /// <summary>Opens the store, making or upgrading it. Refuses a schema newer than this program by name.</summary>
    public static Task<MailStore> OpenAsync(StoreOptions options, TimeProvider time, ILogger logger) => throw new NotImplementedException();

    /// <summary>
    /// Runs <paramref name="unit"/> on the writer, inside its own savepoint, and completes once the group that holds it is
    /// durable. What the unit throws undoes that unit alone and reaches the caller. The unit must be quick, synchronous and
    /// free of outside effects: it may run again.
    /// </summary>
    public ValueTask<T> WriteAsync<T>(Func<WriteUnit, T> unit, CancellationToken ct = default) => throw new NotImplementedException();

    /// <summary>Runs a query on a read connection, on the caller's thread, in one snapshot.</summary>
    public T Read<T>(Func<ReadUnit, T> query) => throw new NotImplementedException();

    /// <summary>A new body: memory first, a temporary file when it grows. Dispose it whether or not it was stored.</summary>
    public BlobWriter NewBlob() => throw new NotImplementedException();

    /// <summary>Opens a stored body for reading; its SHA-256 is checked before a single octet is handed out for small ones.</summary>
    public BlobReader OpenBlob(BlobLocation location) => throw new NotImplementedException();

    /// <summary>Committed changes, in commit order, after commit.</summary>
    public ChangeHub Changes => throw new NotImplementedException();

    /// <summary>False when free space is under the floor for a message of this size.</summary>
    public bool HasRoomFor(long messageSize) => throw new NotImplementedException();

    /// <summary>Completes when the store is poisoned; the process then exits with code 74.</summary>
    public Task<StorePoisonedException> Poisoned => throw new NotImplementedException();

    /// <summary>A new message id: 64 bits, rising with time, never given twice.</summary>
    public TraceId NewTraceId() => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>The id of a message's story: in the 250 reply, the Received line, the log. 13 characters of base32 (Crockford, lower case).</summary>
public readonly record struct TraceId(long Value)
{
    public override string ToString() => throw new NotImplementedException();
    public static bool TryParse(string text, out TraceId id) => throw new NotImplementedException();
}

/// <summary>Tables open for reading in one snapshot.</summary>
public class ReadUnit
{
    public Directory.DirectoryTables Directory => throw new NotImplementedException();
    public Messages.MailboxTables Mailboxes => throw new NotImplementedException();
    public Events.EventTable Events => throw new NotImplementedException();
    public Queue.QueueTables Queue => throw new NotImplementedException();
}

/// <summary>Tables open for writing inside one unit of the group.</summary>
public sealed class WriteUnit : ReadUnit
{
    /// <summary>Stores the body (once for the same content) and returns where it is. Its octets are durable before the group's commit.</summary>
    public BlobLocation Store(BlobWriter blob) => throw new NotImplementedException();
}

/// <summary>Where a body is: enough to read and to check it.</summary>
/// <param name="BlobId">Row id.</param>
/// <param name="Pack">Pack number, or 0 for a file of its own.</param>
/// <param name="Offset">Offset of the body in the pack.</param>
/// <param name="Length">Octets.</param>
/// <param name="Hash">SHA-256, 32 octets.</param>
public sealed record BlobLocation(long BlobId, int Pack, long Offset, long Length, byte[] Hash);

/// <summary>A body being written. Not thread-safe.</summary>
public sealed class BlobWriter : IAsyncDisposable
{
    /// <summary>Octets so far.</summary>
    public long Length => throw new NotImplementedException();

    /// <summary>Appends; spills to a temporary file past 128 KiB. Throws <see cref="StoreFullException"/> when that file cannot grow.</summary>
    public void Write(ReadOnlySpan<byte> octets) => throw new NotImplementedException();

    /// <summary>The first octets (at most 128 KiB, all of a small body), for header checks and the MIME reader.</summary>
    public ReadOnlyMemory<byte> Head => throw new NotImplementedException();

    /// <summary>Reads the whole body from its start (for the MIME reader when it is larger than <see cref="Head"/>).</summary>
    public Stream OpenRead() => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>Reads one stored body.</summary>
public sealed class BlobReader : IDisposable
{
    public long Length => throw new NotImplementedException();

    /// <summary>Reads at an offset; throws <see cref="StoreDamageException"/> when the body is not what was stored.</summary>
    public int Read(long offset, Span<byte> into) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
