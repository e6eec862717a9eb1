namespace Posthorn.Imap.Extensions.Thread;

/// <summary>REFERENCES (RFC 5256 §3), its six steps in their order. No recursion: a thread may be as deep as there are messages.</summary>
sealed class ReferenceThreads(List<ThreadNode> nodes)
{
    /// <summary>Ancestors that are followed to see a loop; no link is made below that, so that a chain of messages costs no square.</summary>
    const int MostDepth = 1000;

    readonly Dictionary<string, ThreadNode> _byId = new(StringComparer.Ordinal);

    internal List<ThreadNode> Build()
    {
        foreach (var node in nodes)
            if (node.Id is { } id) _byId.TryAdd(id, node); // of those with one id the first has it
        foreach (var node in nodes) Link(node);
        var roots = new List<ThreadNode>(); // (2)
        foreach (var node in nodes.Concat(_byId.Values.Where(static n => n.IsDummy)))
            if (node.Parent is null) roots.Add(node);
        roots = Prune(roots);
        foreach (var root in roots)
            if (root.IsDummy) root.Children.Sort(ThreadNode.ByDate);
        roots.Sort(ThreadNode.ByDate); // (4)
        roots = GatherSubjects(roots);
        Sort(roots);
        return roots;
    }

    /// <summary>(1): the references are parents of each other, and the last of them the message's.</summary>
    void Link(ThreadNode node)
    {
        ThreadNode? before = null;
        foreach (var id in node.Ancestors)
        {
            if (!_byId.TryGetValue(id, out var ancestor)) _byId.Add(id, ancestor = new ThreadNode { Id = id });
            if (before is not null && ancestor.Parent is null) Adopt(before, ancestor);
            before = ancestor;
        }
        if (before == node) return;
        if (node.Parent is { } truncated)
        {
            truncated.Children.Remove(node);
            node.Parent = null;
        }
        if (before is not null) Adopt(before, node);
    }

    static void Adopt(ThreadNode parent, ThreadNode child)
    {
        var depth = 0;
        for (var up = parent; up is not null; up = up.Parent)
            if (up == child || ++depth > MostDepth) return;
        child.Parent = parent;
        parent.Children.Add(child);
    }

    /// <summary>(3): messages that are not there go; what is below them moves up, but not two of them to the top.</summary>
    static List<ThreadNode> Prune(List<ThreadNode> roots)
    {
        // Parents before children, then gone through from behind: what is below a node is pruned when the node is.
        var order = Order(roots);
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var node = order[i];
            for (var c = 0; c < node.Children.Count;)
            {
                var child = node.Children[c];
                if (!child.IsDummy)
                {
                    c++;
                    continue;
                }
                foreach (var grandchild in child.Children) grandchild.Parent = node;
                node.Children.RemoveAt(c);
                node.Children.InsertRange(c, child.Children);
                c += child.Children.Count; // they are pruned already
            }
        }
        var kept = new List<ThreadNode>(roots.Count);
        foreach (var root in roots)
        {
            if (!root.IsDummy || root.Children.Count > 1) kept.Add(root);
            else if (root.Children.Count == 1) kept.Add(root.Children[0]);
        }
        return kept;
    }

    static List<ThreadNode> Order(List<ThreadNode> roots)
    {
        var order = new List<ThreadNode>(roots);
        for (var i = 0; i < order.Count; i++) order.AddRange(order[i].Children);
        return order;
    }

    /// <summary>(5): threads of one base subject become one.</summary>
    static List<ThreadNode> GatherSubjects(List<ThreadNode> roots)
    {
        var table = new Dictionary<string, ThreadNode>(StringComparer.Ordinal);
        foreach (var root in roots)
        {
            var subject = root.Head.Subject;
            if (subject.Length == 0) continue;
            if (!table.TryGetValue(subject, out var there) || !there.IsDummy && (root.IsDummy || there.IsReply && !root.IsReply)) table[subject] = root;
        }
        var kept = new List<ThreadNode>();
        var place = new Dictionary<ThreadNode, int>();
        var merged = new HashSet<ThreadNode>();
        foreach (var root in roots)
        {
            if (merged.Contains(root)) continue;
            var subject = root.Head.Subject;
            var there = subject.Length == 0 ? root : table[subject];
            if (there == root) Keep(root);
            else if (there.IsDummy && root.IsDummy) there.Children.AddRange(root.Children);
            else if (there.IsDummy || root.IsReply && !there.IsReply) there.Children.Add(root);
            else
            {
                var both = new ThreadNode();
                both.Children.AddRange([there, root]);
                table[subject] = both;
                merged.Add(there);
                // It stands where the first of the two stood.
                if (place.TryGetValue(there, out var at)) kept[at] = both;
                else Keep(both);
            }
        }
        return kept;

        void Keep(ThreadNode node)
        {
            place[node] = kept.Count;
            kept.Add(node);
        }
    }

    /// <summary>(6): siblings by date, the youngest generation first.</summary>
    static void Sort(List<ThreadNode> roots)
    {
        var order = Order(roots);
        for (var i = order.Count - 1; i >= 0; i--) order[i].Children.Sort(ThreadNode.ByDate);
        roots.Sort(ThreadNode.ByDate);
    }
}
