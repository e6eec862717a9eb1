using Posthorn.Storage.Search;

namespace Posthorn.Search.Segments;

/// <summary>
/// Which segments become one. Levels fall from the oldest to the newest; eight of one level at the end, with what is smaller
/// behind them, become one of the next. So a message is written again some six times in its life, and a search looks into some
/// forty segments at most.
/// </summary>
static class MergePolicy
{
    /// <summary>Segments that are merged together, at least.</summary>
    internal const int Width = 8;

    /// <summary>Segments of this level stay: they have a quarter of a million messages.</summary>
    internal const int Highest = 6;

    /// <summary>The level of a segment that was not merged: the power of eight that its messages fill.</summary>
    internal static int LevelOf(int messages)
    {
        var level = 0;
        for (; messages >= Width; messages /= Width) level++;
        return Math.Min(level, Highest);
    }

    /// <summary>How many of the newest segments to merge into which level; (0, 0) for none.</summary>
    internal static (int Count, int Level) Choose(IReadOnlyList<IndexSegment> segments)
    {
        for (var level = 0; level < Highest; level++)
        {
            var (count, full) = (0, 0);
            for (; count < segments.Count && segments[segments.Count - 1 - count].Level is var of && of <= level; count++)
                if (of == level) full++;
            if (full >= Width) return (count, level + 1);
        }
        return (0, 0);
    }
}
