using Microsoft.Win32.SafeHandles;

namespace Posthorn.Storage.Files;

/// <summary>
/// The writes and syncs that promises hang on, in one place, each checked. Tests hand in a disk that fails. A sync that fails
/// throws <see cref="StorePoisonedException"/>, lack of space <see cref="StoreFullException"/>.
/// </summary>
class Disk
{
    internal void Write(SafeFileHandle file, ReadOnlySpan<byte> octets, long offset, string name)
    {
        switch (WriteCall(file, octets, offset))
        {
            case 0:
                return;
            case Posix.ENOSPC or Posix.EDQUOT:
                throw new StoreFullException($"no space to write {name}");
            case var error:
                throw new StorePoisonedException($"writing {name} failed (errno {error})");
        }
    }

    /// <summary>Makes the file durable; <paramref name="dataOnly"/> leaves out times.</summary>
    internal void Sync(SafeFileHandle file, bool dataOnly, string name)
    {
        if (SyncCall(file, dataOnly) is var error and not 0)
            throw new StorePoisonedException($"sync of {name} failed (errno {error})");
    }

    /// <summary>Makes a file or a directory (new, renamed and removed names) durable.</summary>
    internal void SyncPath(string path)
    {
        using var handle = Posix.OpenPath(path, System.IO.Directory.Exists(path))
            ?? throw new StorePoisonedException($"cannot open {path} to sync it");
        Sync(handle, dataOnly: false, path);
    }

    /// <summary>
    /// Asks the file system, after syncs that succeeded, whether it still takes changes. ext4 that finds itself damaged gives
    /// up its journal first and refuses everything a moment later; a sync in between can return 0 for what is not on the
    /// disk (seen, about once in thirty such ends under load). A change needs the journal and so meets the truth.
    /// </summary>
    internal void Confirm(SafeFileHandle file, string name)
    {
        switch (TouchCall(file))
        {
            case 0 or Posix.ENOSPC or Posix.EDQUOT or Posix.ENOTSUP or Posix.EPERM: // the last two: no such attributes here
                return;
            case var error:
                throw new StorePoisonedException($"the file system of {name} takes no changes any more (errno {error})");
        }
    }

    /// <summary>Free octets for us where <paramref name="path"/> lies.</summary>
    internal virtual long Free(string path) => new DriveInfo(path).AvailableFreeSpace;

    private protected virtual int WriteCall(SafeFileHandle file, ReadOnlySpan<byte> octets, long offset) =>
        Posix.Write(file, octets, offset);

    private protected virtual int TouchCall(SafeFileHandle file) => Posix.Touch(file);

    private protected virtual int SyncCall(SafeFileHandle file, bool dataOnly) => Posix.Sync(file, dataOnly);
}
