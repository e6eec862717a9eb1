namespace Posthorn.Imap.Threads;

/// <summary>
/// Links messages by what they refer to: steps 1 to 3 of REFERENCES (RFC 5256 §3). Pure; almost linear in the ids of all
/// messages, however deep or looped what they say.
/// </summary>
/// <remarks>
/// A message's own last reference is linked before what others say of it, so that the result does not depend on the order in
/// which messages arrived; nothing is unlinked then, and trees that meet are found by union-find.
/// </remarks>
sealed class ReferenceTree
{
    const int None = -1;

    readonly IReadOnlyList<ThreadMessage> _messages;
    readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    readonly List<int> _parents = [], _trees = [];

    ReferenceTree(IReadOnlyList<ThreadMessage> messages) => _messages = messages;

    /// <summary>The threads; at the top a message that is not there stands only above two or more.</summary>
    internal static List<ThreadNode> Build(IReadOnlyList<ThreadMessage> messages)
    {
        var tree = new ReferenceTree(messages);
        tree.Link();
        return tree.Prune();
    }

    void Link()
    {
        foreach (var message in _messages)
        {
            // Of several messages with one id the first one has it.
            var node = Add();
            if (message.Id is { } id) _ids.TryAdd(id, node);
        }
        for (var i = 0; i < _messages.Count; i++)
            if (_messages[i].References is [.., var last]) Link(Node(last), i);
        foreach (var message in _messages)
            for (var i = 1; i < message.References.Count; i++) Link(Node(message.References[i - 1]), Node(message.References[i]));
    }

    int Add()
    {
        _parents.Add(None);
        _trees.Add(_trees.Count);
        return _trees.Count - 1;
    }

    int Node(string id)
    {
        if (!_ids.TryGetValue(id, out var node)) _ids.Add(id, node = Add());
        return node;
    }

    /// <summary>Makes one the child of another, unless it has a parent or a loop would come of it.</summary>
    void Link(int parent, int child)
    {
        if (_parents[child] != None || Tree(parent) == Tree(child)) return;
        _parents[child] = parent;
        _trees[Tree(child)] = Tree(parent);
    }

    int Tree(int node)
    {
        while (_trees[node] != node) node = _trees[node] = _trees[_trees[node]];
        return node;
    }

    /// <summary>Takes out the messages that are not there; their children take their place (step 3).</summary>
    List<ThreadNode> Prune()
    {
        var nodes = new ThreadNode[_parents.Count];
        var waiting = new int[nodes.Length]; // children not done yet
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new ThreadNode(i < _messages.Count ? _messages[i] : null);
            if (_parents[i] != None) waiting[_parents[i]]++;
        }
        var ready = new Stack<int>();
        for (var i = 0; i < nodes.Length; i++)
            if (waiting[i] == 0) ready.Push(i);
        var roots = new List<ThreadNode>();
        while (ready.TryPop(out var i))
        {
            var (node, parent) = (nodes[i], _parents[i]);
            if (parent == None)
            {
                if (node.Message is not null || node.Children.Count > 1) roots.Add(node);
                else roots.AddRange(node.Children);
                continue;
            }
            if (node.Message is not null) nodes[parent].Children.Add(node);
            else nodes[parent].Children = Joined(nodes[parent].Children, node.Children);
            if (--waiting[parent] == 0) ready.Push(parent);
        }
        return roots;
    }

    /// <summary>Both lists in the longer one: a chain of absent messages does not copy its children again and again.</summary>
    static List<ThreadNode> Joined(List<ThreadNode> a, List<ThreadNode> b)
    {
        var (longer, shorter) = a.Count >= b.Count ? (a, b) : (b, a);
        longer.AddRange(shorter);
        return longer;
    }
}
