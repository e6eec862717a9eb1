using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Posthorn.Storage.Blobs;
using Posthorn.Storage.Files;

namespace Posthorn.Storage;

/// <summary>A body being written. Not thread-safe.</summary>
public sealed class BlobWriter : IAsyncDisposable
{
    /// <summary>What is kept in memory; the temporary file holds all once there is one.</summary>
    const int HeadLimit = 128 << 10;
    const int FirstRent = 8 << 10;
    const int ChunkSize = 64 << 10;

    readonly BlobFolder _folder;
    readonly Action<StorePoisonedException> _poison;
    byte[] _head = ArrayPool<byte>.Shared.Rent(FirstRent);
    int _headLength;
    byte[]? _chunk;
    int _chunkLength;
    long _written;
    SafeFileHandle? _file;
    string? _path;
    IncrementalHash? _hasher;
    bool _disposed;

    internal BlobWriter(BlobFolder folder, Action<StorePoisonedException> poison)
    {
        _folder = folder;
        _poison = poison;
    }

    /// <summary>Octets so far.</summary>
    public long Length => _file is null ? _headLength : _written + _chunkLength;

    /// <summary>The first octets (at most 128 KiB, all of a small body), for header checks and the MIME reader.</summary>
    public ReadOnlyMemory<byte> Head => _head.AsMemory(0, _headLength);

    /// <summary>SHA-256, once sealed.</summary>
    public byte[]? Hash { get; private set; }

    /// <summary>Appends; spills to a temporary file past 128 KiB. Throws <see cref="StoreFullException"/> when that file cannot grow.</summary>
    public void Write(ReadOnlySpan<byte> octets)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Hash is not null)
            throw new InvalidOperationException("the body is sealed");
        if (_file is null && _headLength + octets.Length <= HeadLimit)
        {
            Grow(_headLength + octets.Length);
            octets.CopyTo(_head.AsSpan(_headLength));
            _headLength += octets.Length;
            return;
        }
        if (_file is null)
            octets = octets[Spill(octets)..];
        while (octets.Length > 0)
        {
            var take = Math.Min(octets.Length, ChunkSize - _chunkLength);
            octets[..take].CopyTo(_chunk.AsSpan(_chunkLength));
            _chunkLength += take;
            octets = octets[take..];
            if (_chunkLength == ChunkSize)
                FlushChunk();
        }
    }

    /// <summary>
    /// Ends the body: the hash is made, and a body over 1 MiB gets its durable file. Called before <c>WriteAsync</c>, so that
    /// the writer need not do it (it does when this was not called). Nothing can be written after it.
    /// </summary>
    public async ValueTask SealAsync(CancellationToken ct = default)
    {
        if (Hash is not null)
            return;
        if (Length > BlobFolder.SmallLimit)
            await Task.Run(Seal, ct);
        else
            Seal();
    }

    /// <summary>Reads the whole body from its start (for the MIME reader when it is larger than <see cref="Head"/>).</summary>
    public Stream OpenRead()
    {
        if (_file is null)
            return new MemoryStream(_head, 0, _headLength, writable: false);
        FlushChunk();
        return new BodyStream(Length, (offset, into) => RandomAccess.Read(_file, into, offset));
    }

    internal void Seal()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Hash is not null)
            return;
        if (_file is null)
        {
            Hash = SHA256.HashData(_head.AsSpan(0, _headLength));
            return;
        }
        FlushChunk();
        var hash = _hasher!.GetHashAndReset();
        if (Length > BlobFolder.SmallLimit)
            Keep(hash);
        Hash = hash;
    }

    /// <summary>Copies a small body; <paramref name="into"/> is as long as the body.</summary>
    internal void CopyTo(Span<byte> into)
    {
        if (_file is null)
        {
            _head.AsSpan(0, _headLength).CopyTo(into);
            return;
        }
        for (var offset = 0; offset < into.Length;)
        {
            var read = RandomAccess.Read(_file, into[offset..], offset);
            if (read == 0)
                throw new StoreException("a temporary file has shrunk");
            offset += read;
        }
    }

    /// <summary>The temporary file becomes the body's own: written → synced → renamed → directory synced.</summary>
    void Keep(byte[] hash)
    {
        var path = _folder.BigPath(hash);
        Guarded(() =>
        {
            _folder.Disk.Sync(_file!, dataOnly: false, _path!);
            var folder = _folder.Directory.MakeFolder(Path.Combine("blobs", "big", Path.GetFileName(Path.GetDirectoryName(path))!));
            lock (_folder.Naming)
                File.Move(_path!, path, overwrite: true);
            _path = null;
            _folder.Disk.SyncPath(folder);
        });
    }

    /// <summary>Begins the temporary file; returns how many of the octets the head took.</summary>
    int Spill(ReadOnlySpan<byte> octets)
    {
        Grow(HeadLimit);
        var take = HeadLimit - _headLength;
        octets[..take].CopyTo(_head.AsSpan(_headLength));
        _headLength = HeadLimit;
        _hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        _path = Path.Combine(_folder.Directory.Temporary, Guid.NewGuid().ToString("N"));
        var options = DataDirectory.NewFile(FileAccess.ReadWrite);
        try
        {
            using (new FileStream(_path, options))
            {
            }
            _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (IOException e)
        {
            throw new StoreFullException("cannot make a temporary file", e);
        }
        Append(_head.AsSpan(0, _headLength));
        return take;
    }

    void FlushChunk()
    {
        if (_chunkLength == 0)
            return;
        Append(_chunk.AsSpan(0, _chunkLength));
        _chunkLength = 0;
    }

    void Append(ReadOnlySpan<byte> octets)
    {
        try
        {
            _folder.Disk.Write(_file!, octets, _written, _path!);
        }
        catch (StorePoisonedException e)
        {
            _poison(e);
            throw;
        }
        _hasher!.AppendData(octets);
        _written += octets.Length;
    }

    void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (StorePoisonedException e)
        {
            _poison(e);
            throw;
        }
        catch (IOException e)
        {
            throw new StoreFullException("cannot keep a large body", e);
        }
    }

    void Grow(int need)
    {
        if (need <= _head.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(Math.Max(need, _head.Length * 2), HeadLimit));
        _head.AsSpan(0, _headLength).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_head);
        _head = larger;
    }

    public ValueTask DisposeAsync()
    {
        if (_disposed)
            return ValueTask.CompletedTask;
        _disposed = true;
        ArrayPool<byte>.Shared.Return(_head);
        _head = [];
        _headLength = 0;
        if (_chunk is not null)
            ArrayPool<byte>.Shared.Return(_chunk);
        _hasher?.Dispose();
        _file?.Dispose();
        if (_path is not null)
            File.Delete(_path);
        return ValueTask.CompletedTask;
    }
}
