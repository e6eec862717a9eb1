using System.Runtime.InteropServices;

namespace Posthorn.Serving;

/// <summary>The user this process runs as, and how to become another one.</summary>
static partial class ProcessUser
{
    // The C library keeps one entry, which the next call overwrites.
    static readonly Lock Entries = new();

    public static bool IsRoot => geteuid() == 0;

    /// <summary>User and group id of an account of the operating system; null when there is none.</summary>
    public static (uint User, uint Group)? Find(string name)
    {
        lock (Entries)
        {
            var entry = getpwnam(name);
            if (entry == 0) return null;
            // struct passwd: char *pw_name, char *pw_passwd, uid_t pw_uid, gid_t pw_gid, …
            return ((uint)Marshal.ReadInt32(entry, 2 * nint.Size), (uint)Marshal.ReadInt32(entry, 2 * nint.Size + 4));
        }
    }

    /// <summary>An account of the operating system: its login name, and the name of the person when it has one.</summary>
    public static (string Name, string? FullName)? Find(uint user)
    {
        lock (Entries)
        {
            var entry = getpwuid(user);
            if (entry == 0 || Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(entry)) is not { Length: > 0 } name) return null;
            // … pw_name, pw_passwd, pw_uid and pw_gid, pw_gecos: the name, then a comma and other things
            var gecos = Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(entry, 2 * nint.Size + 8))?.Split(',')[0].Trim();
            return (name, string.IsNullOrEmpty(gecos) ? null : gecos);
        }
    }

    /// <summary>The user this process was started by.</summary>
    public static (string Name, string? FullName) Current() => Find(getuid()) ?? (getuid().ToString(System.Globalization.CultureInfo.InvariantCulture), null);

    /// <summary>Gives up root for good: groups first, the user last. glibc changes all threads of the process.</summary>
    public static void Become(string name)
    {
        var (user, group) = Find(name) ?? throw new InvalidOperationException($"there is no user \"{name}\"");
        if (initgroups(name, group) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0)
            throw new InvalidOperationException($"cannot become \"{name}\": error {Marshal.GetLastPInvokeError()}");
        if (user != 0 && setresuid(0, 0, 0) == 0) throw new InvalidOperationException("root could be taken back");
    }

    /// <summary>Hands a directory to a user before root is given up.</summary>
    public static void Give(string path, string name)
    {
        if (Find(name) is { } ids && chown(path, ids.User, ids.Group) != 0)
            throw new IOException($"cannot give {path} to \"{name}\": error {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getuid();

    [LibraryImport("libc")]
    private static partial nint getpwuid(uint user);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getpwnam(string name);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int initgroups(string user, uint group);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int chown(string path, uint user, uint group);
}
