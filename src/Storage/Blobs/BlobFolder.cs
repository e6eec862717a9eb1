using System.Globalization;
using Posthorn.Storage.Files;

namespace Posthorn.Storage.Blobs;

/// <summary>Names below <c>blobs/</c>.</summary>
sealed class BlobFolder(DataDirectory directory)
{
    /// <summary>Bodies longer than this have a file of their own; shorter ones are read and checked whole.</summary>
    internal const int SmallLimit = 1 << 20;

    /// <summary>Held while a large file gets its name and while an orphan is judged and removed: the two must not cross.</summary>
    internal Lock Naming { get; } = new();

    internal DataDirectory Directory { get; } = directory;
    internal Disk Disk => Directory.Disk;
    internal string Packs { get; } = Path.Combine(directory.Root, "blobs");
    internal string Big { get; } = Path.Combine(directory.Root, "blobs", "big");

    internal string PackPath(int pack) => Path.Combine(Packs, PackName(pack));

    internal static string PackName(int pack) => string.Create(CultureInfo.InvariantCulture, $"pack-{pack:00000000}");

    internal static int? PackNumber(string path) =>
        Path.GetFileName(path) is var name && name.StartsWith("pack-", StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    internal string BigPath(ReadOnlySpan<byte> hash)
    {
        var name = Convert.ToHexStringLower(hash);
        return Path.Combine(Big, name[..2], name);
    }

    internal IEnumerable<int> PackNumbers() =>
        System.IO.Directory.EnumerateFiles(Packs).Select(PackNumber).OfType<int>().Order();

    internal IEnumerable<string> BigFiles() =>
        System.IO.Directory.Exists(Big) ? System.IO.Directory.EnumerateFiles(Big, "*", SearchOption.AllDirectories) : [];
}
