using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Storage.Files;

/// <summary>
/// The system calls that .NET 10 does not offer or whose errors it swallows: fsync of a file and of a directory, write with
/// its errno, flock.
/// </summary>
static partial class Posix
{
    internal const int EPERM = 1, ENOENT = 2, EINTR = 4, EWOULDBLOCK = 11, ENOSPC = 28, ENOTSUP = 95, EDQUOT = 122;
    internal const int LockExclusive = 2, LockNonBlocking = 4, LockNone = 8;
    const int OpenReadOnly = 0, OpenReadWrite = 2, OpenCreate = 0x40, OpenDirectory = 0x10000, OpenCloseOnExec = 0x80000;

    [LibraryImport("libc", EntryPoint = "pwrite64", SetLastError = true)]
    private static unsafe partial nint Pwrite(SafeFileHandle file, byte* octets, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Ftruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Fsetxattr(SafeFileHandle file, string name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int PosixFallocate(SafeFileHandle file, long offset, long length);

    /// <summary>Writes all; returns 0 or the errno of the write that failed.</summary>
    internal static unsafe int Write(SafeFileHandle file, ReadOnlySpan<byte> octets, long offset)
    {
        fixed (byte* start = octets)
        {
            var done = 0;
            while (done < octets.Length)
            {
                var wrote = Pwrite(file, start + done, (nuint)(octets.Length - done), offset + done);
                if (wrote > 0)
                    done += (int)wrote;
                else if (wrote == 0)
                    return ENOSPC;
                else if (Marshal.GetLastPInvokeError() is var error && error != EINTR)
                    return error;
            }
        }
        return 0;
    }

    /// <summary>0 or the errno. Never called again for a file after a failure: the kernel has forgotten the pages.</summary>
    internal static int Sync(SafeFileHandle file, bool dataOnly) =>
        (dataOnly ? Fdatasync(file) : Fsync(file)) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Opens a file or a directory for syncing; null when it cannot be opened.</summary>
    internal static SafeFileHandle? OpenPath(string path, bool directory)
    {
        var descriptor = Open(path, OpenReadOnly | OpenCloseOnExec | (directory ? OpenDirectory : 0), 0);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Opens or makes a lock file with mode 0600; .NET would take a shared flock of its own at opening.</summary>
    internal static SafeFileHandle? OpenLock(string path)
    {
        var descriptor = Open(path, OpenReadWrite | OpenCreate | OpenCloseOnExec, 0x180);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>False when another process holds the lock.</summary>
    internal static bool TryLock(SafeFileHandle file)
    {
        while (Flock(file, LockExclusive | LockNonBlocking) != 0)
            if (Marshal.GetLastPInvokeError() != EINTR)
                return false;
        return true;
    }

    /// <summary>
    /// Gives the lock back. Closing alone would not do it at once while a program is being started: its process has our
    /// descriptors until it has become that program.
    /// </summary>
    internal static void Unlock(SafeFileHandle file) => Flock(file, LockNone);

    /// <summary>Sets an attribute of the file to the value that it has; 0 or the errno. Needs the journal, writes nothing.</summary>
    internal static unsafe int Touch(SafeFileHandle file)
    {
        byte value = 1;
        return Fsetxattr(file, "user.posthorn", &value, 1, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    internal static int Truncate(SafeFileHandle file, long length) =>
        Ftruncate(file, length) == 0 ? 0 : Marshal.GetLastPInvokeError();

    internal static int Allocate(SafeFileHandle file, long length) => PosixFallocate(file, 0, length);
}
