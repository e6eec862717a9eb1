using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>The system calls behind mailbox files that .NET does not offer or whose errors it swallows.</summary>
static partial class FileCalls
{
    internal const int EPERM = 1, ENOENT = 2, EINTR = 4, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENOTDIR = 20, ENOSPC = 28, EROFS = 30, ELOOP = 40, EDQUOT = 122;

    const int ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NonBlocking = 0x800, CloseOnExec = 0x80000, Directory = 0x10000;
    const int SetOwnLock = 37; // F_OFD_SETLK: held by the open file, so deliveries of one process exclude each other too
    const short WriteLock = 1;

    // O_NOFOLLOW is not the same everywhere.
    static readonly int NoFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    [StructLayout(LayoutKind.Sequential)]
    struct Flock
    {
        internal short Type, Whence;
        internal long Start, Length;
        internal int Process;
    }

    /// <summary>struct statx, which is the same on every architecture; only what is used here is named.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileFacts
    {
        [FieldOffset(16)] internal uint Links;
        [FieldOffset(20)] internal uint Owner;
        [FieldOffset(28)] internal ushort Mode;

        internal readonly bool IsRegular => (Mode & 0xF000) == 0x8000;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command, ref Flock argument);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, out FileFacts facts);

    [LibraryImport("libc", EntryPoint = "getpwnam", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Getpwnam(string name);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint Geteuid();

    static readonly Lock Users = new(); // getpwnam answers in one buffer of the process

    internal static bool IsRoot => Geteuid() == 0;
    internal static uint OwnUser => Geteuid();

    /// <summary>Opens for reading and writing, never through a symbolic link, never waiting for a pipe's other end; null with the errno.</summary>
    internal static SafeFileHandle? OpenFile(string path, bool create, bool exclusive, int mode, out int error)
    {
        int descriptor;
        do descriptor = Open(path, ReadWrite | NonBlocking | CloseOnExec | NoFollow | (create ? Create : 0) | (exclusive ? Exclusive : 0), mode);
        while (descriptor < 0 && Marshal.GetLastPInvokeError() == EINTR);
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>0 or the errno.</summary>
    internal static int Sync(SafeFileHandle file) => Fsync(file) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Makes what happened in a directory last; 0 or the errno.</summary>
    internal static int SyncDirectory(string path)
    {
        var descriptor = Open(path, Directory | CloseOnExec, 0);
        if (descriptor < 0) return Marshal.GetLastPInvokeError();
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return Sync(handle);
    }

    /// <summary>Locks the whole file for writing against all who lock by fcntl(2); false when somebody has it.</summary>
    internal static bool TryLock(SafeFileHandle file)
    {
        var all = new Flock { Type = WriteLock };
        return Fcntl(file, SetOwnLock, ref all) == 0;
    }

    internal static FileFacts? Facts(SafeFileHandle file) =>
        Statx(file, "", 0x1000 /* AT_EMPTY_PATH */, 0x7ff, out var facts) == 0 ? facts : null;

    /// <summary>Gives a file to its user; nothing happens unless we are root.</summary>
    internal static bool Give(SafeFileHandle file, (uint User, uint Group) to) => !IsRoot || Fchown(file, to.User, to.Group) == 0;

    /// <summary>User and group id of an account of the operating system; null when there is none, with an errno when that cannot be told.</summary>
    internal static (uint User, uint Group)? FindUser(string name, out int error)
    {
        lock (Users)
        {
            var entry = Getpwnam(name);
            error = entry == 0 && Marshal.GetLastPInvokeError() is var e and not (ENOENT or EPERM or 3 or 9) ? e : 0; // getpwnam(3): these mean "not found"
            // struct passwd: char *pw_name, char *pw_passwd, uid_t pw_uid, gid_t pw_gid, …
            return entry == 0 ? null : ((uint)Marshal.ReadInt32(entry, 2 * nint.Size), (uint)Marshal.ReadInt32(entry, 2 * nint.Size + 4));
        }
    }
}
