using System.Globalization;
using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>A range of message numbers or UIDs as written, in either order; 0 stands for "*".</summary>
readonly record struct SequenceRange(uint First, uint Last);

/// <summary>
/// <c>sequence-set</c> (RFC 9051 §9): ranges, never lists of numbers, so that <c>1:4294967295</c> costs as much as <c>1</c>.
/// </summary>
sealed class SequenceSet(IReadOnlyList<SequenceRange> ranges, bool isSaved = false)
{
    /// <summary>"*": the largest number in use.</summary>
    internal const uint Star = 0;

    /// <summary>"$": what the last SEARCH saved (RFC 5182).</summary>
    internal static readonly SequenceSet Saved = new([], isSaved: true);

    internal bool IsSaved => isSaved;

    /// <summary>The ranges as they came.</summary>
    internal IReadOnlyList<SequenceRange> Ranges => ranges;

    /// <summary>
    /// The set over messages 1 to <paramref name="largest"/> (or UIDs up to it): ranges in ascending order that neither touch
    /// nor overlap. "*" is <paramref name="largest"/>, and so is <c>559:*</c> where 559 is beyond it (RFC 9051 §9, seq-range).
    /// Numbers beyond it are not in it; nothing is when there is no message.
    /// </summary>
    internal List<SequenceRange> Resolve(uint largest)
    {
        var resolved = new List<SequenceRange>(ranges.Count);
        if (largest == 0) return resolved;
        foreach (var (first, last) in ranges)
        {
            var a = first == Star ? largest : first;
            var b = last == Star ? largest : last;
            if (a > b) (a, b) = (b, a);
            if (a <= largest) resolved.Add(new(a, Math.Min(b, largest)));
        }
        if (resolved.Count > 1) Merge(resolved);
        return resolved;
    }

    static void Merge(List<SequenceRange> list)
    {
        list.Sort(static (x, y) => x.First.CompareTo(y.First));
        var n = 0;
        for (var i = 1; i < list.Count; i++)
        {
            if (list[n].Last >= list[i].First || list[n].Last + 1 == list[i].First) list[n] = new(list[n].First, Math.Max(list[n].Last, list[i].Last));
            else list[++n] = list[i];
        }
        list.RemoveRange(n + 1, list.Count - n - 1);
    }

    /// <summary>True when a number is in a resolved set; logarithmic.</summary>
    internal static bool Contains(List<SequenceRange> resolved, uint number)
    {
        int low = 0, high = resolved.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (number < resolved[middle].First) high = middle - 1;
            else if (number > resolved[middle].Last) low = middle + 1;
            else return true;
        }
        return false;
    }

    /// <summary>Ascending numbers as ranges.</summary>
    internal static SequenceSet Of(ReadOnlySpan<uint> ascending)
    {
        var ranges = new List<SequenceRange>();
        foreach (var n in ascending)
            if (ranges.Count > 0 && ranges[^1].Last + 1 == n) ranges[^1] = new(ranges[^1].First, n);
            else ranges.Add(new(n, n));
        return new SequenceSet(ranges);
    }

    public override string ToString()
    {
        if (isSaved) return "$";
        var text = new StringBuilder();
        foreach (var (first, last) in ranges)
        {
            if (text.Length > 0) text.Append(',');
            Append(text, first);
            if (first != last) Append(text.Append(':'), last);
        }
        return text.ToString();
    }

    static void Append(StringBuilder text, uint number)
    {
        if (number == Star) text.Append('*');
        else text.Append(CultureInfo.InvariantCulture, $"{number}");
    }
}
