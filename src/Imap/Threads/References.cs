namespace Posthorn.Imap.Threads;

/// <summary>REFERENCES (RFC 5256 §3), and REFS, which looks at no subject and puts the thread with the newest message last. Pure; n log n.</summary>
static class References
{
    internal static List<ThreadNode> Thread(IReadOnlyList<ThreadMessage> messages)
    {
        var roots = ReferenceTree.Build(messages);
        SortBelow(roots);
        roots.Sort(ThreadNode.BySent);
        roots = Merged(roots);
        SortBelow(roots);
        roots.Sort(ThreadNode.BySent);
        return roots;
    }

    internal static List<ThreadNode> ThreadByArrival(IReadOnlyList<ThreadMessage> messages)
    {
        var roots = ReferenceTree.Build(messages);
        SortBelow(roots);
        var newest = roots.ToDictionary(static r => r, static r => ThreadNode.All([r]).Max(static n => n.Message is { } m ? (m.Received, m.Index) : (DateTimeOffset.MinValue, -1)));
        roots.Sort((x, y) => newest[x].CompareTo(newest[y]));
        return roots;
    }

    /// <summary>Step 6: all siblings below the top, the deepest first.</summary>
    static void SortBelow(List<ThreadNode> roots)
    {
        var all = ThreadNode.All(roots);
        for (var i = all.Count - 1; i >= 0; i--)
            if (all[i].Children.Count > 1) all[i].Children.Sort(ThreadNode.BySent);
    }

    /// <summary>Step 5: threads with one subject become one.</summary>
    static List<ThreadNode> Merged(List<ThreadNode> roots)
    {
        var table = Table(roots);
        var gone = new HashSet<ThreadNode>();
        var replaced = new Dictionary<ThreadNode, ThreadNode>(); // a message by the absent one now above it
        foreach (var node in roots)
        {
            if (node.First.Subject.Length == 0) continue;
            var other = table[node.First.Subject];
            if (other == node) continue;
            gone.Add(node);
            if (other.Message is null)
            {
                if (node.Message is null) other.Children.AddRange(node.Children);
                else other.Children.Add(node);
            }
            else if (node.Message is { IsReply: true } && !other.Message.IsReply) other.Children.Add(node);
            else
            {
                var absent = new ThreadNode(null) { Children = [other, node] };
                replaced[other] = absent;
                table[node.First.Subject] = absent;
            }
        }
        return [.. roots.Where(n => !gone.Contains(n)).Select(n => replaced.GetValueOrDefault(n, n))];
    }

    /// <summary>For each subject the thread that the others are merged into (step 5.B).</summary>
    static Dictionary<string, ThreadNode> Table(List<ThreadNode> roots)
    {
        var table = new Dictionary<string, ThreadNode>(StringComparer.Ordinal);
        foreach (var node in roots)
        {
            var subject = node.First.Subject;
            if (subject.Length == 0 || table.TryAdd(subject, node)) continue;
            if (table[subject].Message is { } other && (node.Message is null || other.IsReply && !node.Message.IsReply)) table[subject] = node;
        }
        return table;
    }
}
