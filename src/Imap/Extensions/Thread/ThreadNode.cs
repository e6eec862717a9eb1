using Posthorn.Imap.Extensions.Sort;

namespace Posthorn.Imap.Extensions.Thread;

/// <summary>A message among threads, or one that is only referred to.</summary>
sealed class ThreadNode
{
    /// <summary>In the snapshot; -1 for a message that is not there.</summary>
    internal int Index { get; init; } = -1;

    internal string? Id { get; init; }

    /// <summary>Message ids from the first ancestor to the parent.</summary>
    internal IReadOnlyList<string> Ancestors { get; init; } = [];

    /// <summary>The base subject, folded.</summary>
    internal string Subject { get; init; } = "";

    internal bool IsReply { get; init; }

    internal DateTimeOffset Date { get; init; }

    internal bool IsDummy => Index < 0;

    internal ThreadNode? Parent { get; set; }

    internal List<ThreadNode> Children { get; } = [];

    /// <summary>The message that speaks for it: itself, or the first child of a dummy.</summary>
    internal ThreadNode Head => IsDummy && Children.Count > 0 ? Children[0] : this;

    /// <summary>By sent date, then by number (RFC 5256 §2.2).</summary>
    internal static int ByDate(ThreadNode x, ThreadNode y) => x.Head.Date.CompareTo(y.Head.Date) is not 0 and var order ? order : x.Head.Index.CompareTo(y.Head.Index);
}

/// <summary>ORDEREDSUBJECT (RFC 5256 §3): one thread for each base subject, all its messages children of the first.</summary>
static class SubjectThreads
{
    internal static List<ThreadNode> Build(List<ThreadNode> nodes)
    {
        var roots = new List<ThreadNode>();
        foreach (var group in nodes.GroupBy(static n => n.Subject, StringComparer.Ordinal))
        {
            var ordered = group.ToList();
            ordered.Sort(ThreadNode.ByDate);
            ordered[0].Children.AddRange(ordered.Skip(1));
            roots.Add(ordered[0]);
        }
        roots.Sort(ThreadNode.ByDate);
        return roots;
    }
}
