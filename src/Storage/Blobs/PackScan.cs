using Microsoft.Win32.SafeHandles;

namespace Posthorn.Storage.Blobs;

/// <summary>A thing found in a pack: a record, or (with an empty hash) octets that are none.</summary>
readonly record struct PackFinding(long Start, long Length, byte[] Hash, bool Whole)
{
    internal bool IsRecord => Hash.Length > 0;
}

/// <summary>Walks a pack by its record headers, without metadata.</summary>
static class PackScan
{
    /// <summary>True when only whole records lie between the two offsets.</summary>
    internal static bool IsWhole(SafeFileHandle file, long from, long end)
    {
        foreach (var found in Walk(file, from, end))
            if (!found.IsRecord || !found.Whole)
                return false;
        return true;
    }

    /// <summary>Each record (with the offset of its body) and each stretch of something else, in order.</summary>
    internal static IEnumerable<PackFinding> Walk(SafeFileHandle file, long from, long end)
    {
        var header = new byte[PackRecord.HeaderLength];
        while (from < end)
        {
            if (TryRecord(file, header, from, out var length, out var hash))
            {
                var start = from + PackRecord.HeaderLength;
                yield return new(start, length, hash, start + length <= end);
                from = Math.Min(start + length, end);
                continue;
            }
            var next = FindRecord(file, header, from + 1, end);
            yield return new(from, next - from, [], false);
            from = next;
        }
    }

    static bool TryRecord(SafeFileHandle file, byte[] header, long at, out long length, out byte[] hash)
    {
        (length, hash) = (0, []);
        if (RandomAccess.Read(file, header, at) < PackRecord.HeaderLength || !PackRecord.TryReadHeader(header, out length, out var found))
            return false;
        hash = found.ToArray();
        return true;
    }

    static long FindRecord(SafeFileHandle file, byte[] header, long from, long end)
    {
        var window = new byte[64 << 10];
        while (from < end)
        {
            var read = RandomAccess.Read(file, window, from);
            if (read < PackRecord.Magic.Length)
                return end;
            var span = window.AsSpan(0, read);
            for (var at = 0; span[at..].IndexOf(PackRecord.Magic) is var i && i >= 0; at += i + 1)
                if (TryRecord(file, header, from + at + i, out _, out _))
                    return from + at + i;
            // The magic may lie across the edge.
            from += read - PackRecord.Magic.Length + 1;
        }
        return end;
    }
}
