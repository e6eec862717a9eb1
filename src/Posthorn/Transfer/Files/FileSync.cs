using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posthorn.Transfer.Files;

/// <summary>Makes written files last.</summary>
static partial class FileSync
{
    const int Directory = 0x10000, CloseOnExec = 0x80000;

    /// <summary>Writes all that waits of the file system a directory is on, names too: one call for thousands of files.</summary>
    public static void All(string directory)
    {
        // O_DIRECTORY is not the same everywhere.
        var onlyDirectory = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 : Directory;
        var descriptor = Open(directory, onlyDirectory | CloseOnExec, 0);
        if (descriptor < 0) throw Trouble(directory);
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Syncfs(handle) != 0) throw Trouble(directory);
    }

    static IOException Trouble(string path) => new($"{path} cannot be made to last: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int Syncfs(SafeFileHandle file);
}
