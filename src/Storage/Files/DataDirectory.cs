using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Storage.Files;

/// <summary>The data directory: its modes, its lock, its temporary files and its reserve of space.</summary>
sealed class DataDirectory : IDisposable
{
    internal const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute;

    /// <summary>Octets kept back for the day the disk is full, so that state can still be written (promise 5).</summary>
    const long ReserveSize = 16L << 20;

    readonly SafeFileHandle? _lock;
    readonly TimeProvider _time;
    long _freeAt;
    long _free;
    volatile bool _hasReserve;

    internal DataDirectory(string root, Disk disk, TimeProvider time, bool forWriting)
    {
        Root = Path.GetFullPath(root);
        Disk = disk;
        _time = time;
        _freeAt = long.MinValue;
        if (!forWriting)
        {
            if (!System.IO.Directory.Exists(Root))
                throw new StoreException($"there is no data directory {Root}");
            return;
        }
        System.IO.Directory.CreateDirectory(Root, FolderMode);
        _lock = TakeLock();
        Temporary = MakeFolder("tmp");
        // Whatever lies there belonged to a process that is gone; nothing in it was ever acknowledged.
        foreach (var left in System.IO.Directory.EnumerateFiles(Temporary))
            File.Delete(left);
        MakeReserve();
    }

    internal string Root { get; }
    internal Disk Disk { get; }
    internal string Temporary { get; } = "";
    string ReservePath => Path.Combine(Root, "reserve");

    /// <summary>Free octets, at most a second old.</summary>
    internal long Free
    {
        get
        {
            var now = _time.GetTimestamp();
            if (Volatile.Read(ref _freeAt) is var at && at != long.MinValue && _time.GetElapsedTime(at, now) < TimeSpan.FromSeconds(1))
                return Volatile.Read(ref _free);
            var free = Disk.Free(Root);
            Volatile.Write(ref _free, free);
            Volatile.Write(ref _freeAt, now);
            return free;
        }
    }

    internal string MakeFolder(string name)
    {
        var path = Path.Combine(Root, name);
        if (!System.IO.Directory.Exists(path))
        {
            System.IO.Directory.CreateDirectory(path, FolderMode);
            Disk.SyncPath(Path.GetDirectoryName(path)!);
        }
        return path;
    }

    /// <summary>Makes an empty file with mode 0600, durable by name, unless it is there.</summary>
    internal void MakeFile(string path)
    {
        if (File.Exists(path))
            return;
        new FileStream(path, NewFile(FileAccess.Write)).Dispose();
        Disk.SyncPath(Path.GetDirectoryName(path)!);
    }

    internal static FileStreamOptions NewFile(FileAccess access) => new()
    {
        Mode = System.IO.FileMode.CreateNew,
        Access = access,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
        UnixCreateMode = FileMode,
    };

    /// <summary>Throws <see cref="StorePoisonedException"/> when the file system has stopped taking changes.</summary>
    internal void Confirm()
    {
        if (_lock is not null) Disk.Confirm(_lock, Root);
    }

    /// <summary>Free octets that new mail may use: never those of the reserve while it is released.</summary>
    internal long FreeForMail => Free - (_hasReserve ? 0 : ReserveSize);

    /// <summary>Gives the reserve back to the disk; false when it was already given.</summary>
    internal bool ReleaseReserve()
    {
        if (!_hasReserve)
            return false;
        File.Delete(ReservePath);
        _hasReserve = false;
        Volatile.Write(ref _freeAt, long.MinValue);
        return true;
    }

    /// <summary>Makes the reserve when it is missing and there is room for twice as much.</summary>
    internal void MakeReserve()
    {
        if (_hasReserve || Free < 2 * ReserveSize)
            return;
        if (File.Exists(ReservePath))
        {
            _hasReserve = true;
            return;
        }
        try
        {
            using var file = new FileStream(ReservePath, NewFile(FileAccess.Write));
            _hasReserve = Posix.Allocate(file.SafeFileHandle, ReserveSize) == 0;
        }
        catch (IOException)
        {
            // Full again in this moment; the next group tries once more.
        }
        if (!_hasReserve)
            File.Delete(ReservePath);
    }

    SafeFileHandle TakeLock()
    {
        var handle = Posix.OpenLock(Path.Combine(Root, "lock")) ?? throw new StoreException($"cannot open the lock file in {Root}");
        if (!Posix.TryLock(handle))
        {
            Span<byte> holder = stackalloc byte[32];
            var length = RandomAccess.Read(handle, holder, 0);
            handle.Dispose();
            throw new StoreInUseException($"{Root} is in use by process {Encoding.ASCII.GetString(holder[..length]).Trim()}");
        }
        Posix.Truncate(handle, 0);
        RandomAccess.Write(handle, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"), 0);
        return handle;
    }

    public void Dispose() => _lock?.Dispose();
}
