using Microsoft.Win32.SafeHandles;
using Posthorn.Storage.Files;

namespace Posthorn.Storage.Blobs;

/// <summary>
/// Appends the bodies of a group to the current pack: one write and one sync for all of them, before the metadata commit.
/// Belongs to the writer thread.
/// </summary>
sealed class PackWriter : IDisposable
{
    readonly BlobFolder _folder;
    readonly long _packSize;
    SafeFileHandle? _file;
    bool _abandon;
    long _end;
    byte[] _pending = new byte[256 << 10];

    /// <param name="known">For a pack: the end of the last body that metadata knows there, or 0.</param>
    internal PackWriter(BlobFolder folder, long packSize, Func<int, long> known)
    {
        _folder = folder;
        _packSize = packSize;
        Pack = folder.PackNumbers().LastOrDefault();
        if (Pack == 0)
            return;
        _file = File.OpenHandle(folder.PackPath(Pack), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        _end = RandomAccess.GetLength(_file);
        // After a crash the tail may hold bodies that no commit knows: never overwritten. Behind a torn one a new pack begins.
        _abandon = _end < PackRecord.FileMagic.Length || !PackScan.IsWhole(_file, Math.Max(known(Pack), PackRecord.FileMagic.Length), _end);
    }

    /// <summary>The pack written to now.</summary>
    internal int Pack { get; private set; }

    /// <summary>Octets waiting for <see cref="Flush"/>; also the mark to undo to.</summary>
    internal int Pending { get; private set; }

    /// <summary>Called before each group.</summary>
    internal void BeginGroup() => Pending = 0;

    /// <summary>Where the next body's first octet will be, in <see cref="Pack"/>.</summary>
    internal long NextStart()
    {
        // A full pack is closed only at the start of a group, since what waits belongs to it.
        if (Pending == 0 && (_file is null || _abandon || _end >= _packSize))
            BeginPack();
        return _end + Pending + PackRecord.HeaderLength;
    }

    void BeginPack()
    {
        var number = Pack + 1;
        var path = _folder.PackPath(number);
        // Left by an attempt that failed before anything was in it.
        File.Delete(path);
        using (var stream = new FileStream(path, DataDirectory.NewFile(FileAccess.Write)))
            _folder.Disk.Write(stream.SafeFileHandle, PackRecord.FileMagic, 0, path);
        _folder.Disk.SyncPath(path);
        _folder.Disk.SyncPath(_folder.Packs);
        _file?.Dispose();
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        _end = PackRecord.FileMagic.Length;
        _abandon = false;
        Pack = number;
    }

    /// <summary>Puts a record's header and returns the room for its body, to be filled by the caller at once.</summary>
    internal Span<byte> Append(ReadOnlySpan<byte> hash, int length)
    {
        var need = Pending + PackRecord.HeaderLength + length;
        if (need > _pending.Length)
            Array.Resize(ref _pending, Math.Max(need, Math.Min(_pending.Length * 2, 64 << 20)));
        PackRecord.WriteHeader(_pending.AsSpan(Pending), hash, length);
        Pending = need;
        return _pending.AsSpan(need - length, length);
    }

    /// <summary>Forgets what a failed unit appended.</summary>
    internal void UndoTo(int mark) => Pending = mark;

    /// <summary>Writes and syncs what waits. After lack of space the pack is as before.</summary>
    internal void Flush()
    {
        if (Pending == 0)
            return;
        var name = BlobFolder.PackName(Pack);
        try
        {
            _folder.Disk.Write(_file!, _pending.AsSpan(0, Pending), _end, name);
        }
        catch (StoreFullException)
        {
            // Nothing refers to the torn record; without it the space is free again. If even that fails, leave the pack.
            _abandon = Posix.Truncate(_file!, _end) != 0;
            Pending = 0;
            throw;
        }
        _folder.Disk.Sync(_file!, dataOnly: true, name);
        _end += Pending;
        Pending = 0;
        if (_pending.Length > 16 << 20)
            _pending = new byte[256 << 10];
    }

    public void Dispose() => _file?.Dispose();
}
