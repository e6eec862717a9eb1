using System.Runtime.InteropServices;

namespace Posthorn.Serving;

/// <summary>
/// File descriptors. A runtime that cannot open a file when it needs one ends the process ("Out of memory", seen), so the
/// last of them are never given to clients.
/// </summary>
static partial class Descriptors
{
    const int NumberOfFiles = 7; // RLIMIT_NOFILE

    /// <summary>Kept back for the store, the log, the verbs and the runtime itself, which holds some 150 by the time it serves.</summary>
    internal const ulong Reserved = 240;

    /// <summary>How many connections there may be: those wanted, or what the limit of the process leaves.</summary>
    internal static int Bound(int wanted)
    {
        if (GetLimit(NumberOfFiles, out var limit) != 0) return wanted;
        var left = limit.Soft >= 2 * Reserved ? limit.Soft - Reserved : limit.Soft / 4;
        return (int)Math.Min((ulong)wanted, left);
    }

    struct Limit
    {
        internal ulong Soft;
        internal ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);
}
