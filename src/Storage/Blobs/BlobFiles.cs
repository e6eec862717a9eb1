using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Storage.Blobs;

/// <summary>Reads bodies where they are said to be; checks each before it is handed out. Thread-safe.</summary>
sealed class BlobFiles(BlobFolder folder) : IDisposable
{
    /// <summary>Packs kept open.</summary>
    const int MostOpen = 256;

    readonly ConcurrentDictionary<int, SafeFileHandle> _packs = new();

    internal BlobFolder Folder => folder;

    /// <summary>A body of at most 1 MiB; null when what is there is not it.</summary>
    internal BlobBody? TryReadSmall(BlobLocation location)
    {
        if (location.Length > BlobFolder.SmallLimit)
            throw new ArgumentException("not a small body", nameof(location));
        var length = (int)location.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (ReadPack(location.Pack, location.Offset, buffer.AsSpan(0, length)))
        {
            SHA256.HashData(buffer.AsSpan(0, length), hash);
            if (hash.SequenceEqual(location.Hash))
                return new BlobBody(buffer, length);
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return null;
    }

    /// <summary>A body with a file of its own, read through once to check it; null when what is there is not it.</summary>
    internal SafeFileHandle? TryOpenBig(BlobLocation location)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(folder.BigPath(location.Hash), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        }
        catch (IOException)
        {
            return null;
        }
        if (HasHash(file, 0, location.Length, location.Hash) && RandomAccess.GetLength(file) == location.Length)
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>True when the stretch of the file has this SHA-256.</summary>
    internal static bool HasHash(SafeFileHandle file, long offset, long length, ReadOnlySpan<byte> expected)
    {
        using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(128 << 10);
        try
        {
            while (length > 0)
            {
                var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length)), offset);
                if (read == 0)
                    return false;
                hasher.AppendData(buffer, 0, read);
                offset += read;
                length -= read;
            }
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            hasher.GetHashAndReset(hash);
            return hash.SequenceEqual(expected);
        }
        catch (IOException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Closes a pack whose file was removed.</summary>
    internal void Forget(int pack)
    {
        if (_packs.TryRemove(pack, out var handle))
            handle.Dispose();
    }

    bool ReadPack(int pack, long offset, Span<byte> into)
    {
        // Twice: the cached handle may be closed by another thread between look-up and use.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                return Open(pack) is { } handle && ReadFully(handle, offset, into);
            }
            catch (ObjectDisposedException)
            {
            }
            catch (IOException)
            {
                return false;
            }
        }
        return false;
    }

    static bool ReadFully(SafeFileHandle handle, long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var read = RandomAccess.Read(handle, into, offset);
            if (read == 0)
                return false;
            offset += read;
            into = into[read..];
        }
        return true;
    }

    SafeFileHandle? Open(int pack)
    {
        if (_packs.TryGetValue(pack, out var cached))
            return cached;
        SafeFileHandle opened;
        try
        {
            opened = File.OpenHandle(folder.PackPath(pack), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        if (_packs.Count >= MostOpen)
            Forget(_packs.Keys.First());
        var kept = _packs.GetOrAdd(pack, opened);
        if (kept != opened)
            opened.Dispose();
        return kept;
    }

    public void Dispose()
    {
        foreach (var pack in _packs.Keys)
            Forget(pack);
    }
}
