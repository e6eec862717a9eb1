using Posthorn.Imap.Grammar;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Session;

/// <summary>Messages that a command names, as ranges of indices (from 0, ascending, apart).</summary>
readonly record struct Picked(IReadOnlyList<(int First, int Last)> Ranges)
{
    internal int Count
    {
        get
        {
            var count = 0;
            foreach (var (first, last) in Ranges) count += last - first + 1;
            return count;
        }
    }

    internal IEnumerable<int> Indices
    {
        get
        {
            foreach (var (first, last) in Ranges)
                for (var i = first; i <= last; i++) yield return i;
        }
    }

    /// <summary>So many of the last of them.</summary>
    internal Picked Newest(int most)
    {
        var ranges = new List<(int, int)>();
        for (var at = Ranges.Count - 1; at >= 0 && most > 0; at--)
        {
            var (first, last) = Ranges[at];
            first = Math.Max(first, last - most + 1);
            ranges.Add((first, last));
            most -= last - first + 1;
        }
        ranges.Reverse();
        return new Picked(ranges);
    }

    /// <summary>Their UIDs.</summary>
    internal List<uint> Uids(Snapshot shown)
    {
        var uids = new List<uint>(Count);
        foreach (var i in Indices) uids.Add(shown[i].Uid);
        return uids;
    }

    /// <summary>Logarithmic in the ranges.</summary>
    internal bool Contains(Snapshot shown, uint uid)
    {
        var index = shown.IndexOf(uid);
        if (index < 0) return false;
        int low = 0, high = Ranges.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (index < Ranges[middle].First) high = middle - 1;
            else if (index > Ranges[middle].Last) low = middle + 1;
            else return true;
        }
        return false;
    }
}

/// <summary>Finds the messages that a sequence-set names (RFC 9051 §9), in time that depends on its ranges and not on its numbers.</summary>
static class Picker
{
    /// <summary>
    /// The messages of a set. UIDs that nobody has are passed over; a message number that is none is an error
    /// (RFC 9051 §6.4.9 against §9, <see cref="BadSyntax"/>).
    /// </summary>
    internal static Picked Pick(SelectedMailbox selected, SequenceSet set, bool byUid)
    {
        var shown = selected.Shown;
        if (set.IsSaved) return Saved(selected);
        if (!byUid) DemandNumbers(set, shown.Count);
        var ranges = new List<(int, int)>();
        foreach (var (first, last) in set.Resolve(byUid ? shown.LastUid : (uint)shown.Count))
        {
            var (from, to) = byUid ? (shown.FirstFrom(first), last == uint.MaxValue ? shown.Count : shown.FirstFrom(last + 1)) : ((int)first - 1, (int)last);
            if (from < to) Add(ranges, from, to - 1);
        }
        return new Picked(ranges);
    }

    static void Add(List<(int First, int Last)> ranges, int first, int last)
    {
        if (ranges.Count > 0 && ranges[^1].Last + 1 == first) ranges[^1] = (ranges[^1].First, last);
        else ranges.Add((first, last));
    }

    /// <summary>A number past the last message is a mistake, but for one beside "*", which a client sends that does not know the count.</summary>
    static void DemandNumbers(SequenceSet set, int count)
    {
        foreach (var (first, last) in set.Ranges)
            if (first != SequenceSet.Star && last != SequenceSet.Star && Math.Max(first, last) > count) throw new BadSyntax("there are not so many messages", 1);
    }

    static Picked Saved(SelectedMailbox selected)
    {
        var ranges = new List<(int, int)>();
        foreach (var uid in selected.Saved)
            if (selected.Shown.IndexOf(uid) is >= 0 and var index) Add(ranges, index, index);
        return new Picked(ranges);
    }
}
