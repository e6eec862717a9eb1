using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Tests.Testing.Running;

/// <summary>The few system calls the rigs need and .NET does not offer (or, for fsync, offers without its errors).</summary>
public static partial class Native
{
    public const int SigTerm = 15;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillCall(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FsyncCall(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenCall(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseCall(int file);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoctlCall(int file, nuint request, ref uint argument);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    public static bool IsRoot => EffectiveUser() == 0;

    /// <summary>Sends a signal; a process that is gone already is no error.</summary>
    public static void Signal(int pid, int signal) => _ = KillCall(pid, signal);

    /// <summary>Syncs and reports what the disk says.</summary>
    public static void Fsync(SafeFileHandle file)
    {
        if (FsyncCall(file) != 0) throw new IOException("fsync", new Win32Exception());
    }

    /// <summary>Cuts the power of a mounted ext4: what is not on the disk by now, and the journal's unflushed part, is gone.</summary>
    public static void CutPower(string mountPoint)
    {
        const nuint fsIocShutdown = 0x8004587d; // _IOR('X', 125, __u32)
        var file = OpenCall(mountPoint, 0);
        if (file < 0) throw new IOException("open " + mountPoint, new Win32Exception());
        try
        {
            uint noLogFlush = 2;
            if (IoctlCall(file, fsIocShutdown, ref noLogFlush) != 0) throw new IOException("FS_IOC_SHUTDOWN", new Win32Exception());
        }
        finally
        {
            _ = CloseCall(file);
        }
    }
}
