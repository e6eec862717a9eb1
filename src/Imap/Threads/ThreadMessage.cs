namespace Posthorn.Imap.Threads;

/// <summary>What threading knows of a message. They are given in mailbox order.</summary>
/// <param name="Index">In the mailbox; ties are broken by it.</param>
/// <param name="Id">Its message id, normalized; null for none.</param>
/// <param name="References">The ids it refers to, oldest first.</param>
/// <param name="Subject">Its base subject, folded for comparison.</param>
/// <param name="IsReply">The subject had a mark of a reply or a forward.</param>
/// <param name="Sent">The sent date, or INTERNALDATE for want of one.</param>
/// <param name="Received">INTERNALDATE.</param>
sealed record ThreadMessage(int Index, string? Id, IReadOnlyList<string> References, string Subject, bool IsReply, DateTimeOffset Sent, DateTimeOffset Received);

/// <summary>A place in a thread.</summary>
/// <param name="message">Null for a message that is not there; then it has children.</param>
sealed class ThreadNode(ThreadMessage? message)
{
    internal ThreadMessage? Message => message;

    internal List<ThreadNode> Children { get; set; } = [];

    /// <summary>What stands for it in sorting: itself, or the first child of a message that is not there.</summary>
    internal ThreadMessage First => message ?? Children[0].First;

    /// <summary>By sent date, then by place in the mailbox (RFC 5256 §2.2).</summary>
    internal static int BySent(ThreadNode x, ThreadNode y) =>
        x.First.Sent.CompareTo(y.First.Sent) is var c && c != 0 ? c : x.First.Index.CompareTo(y.First.Index);

    /// <summary>The nodes of trees, each before its children; without recursion, since threads can be as deep as a mailbox is large.</summary>
    internal static List<ThreadNode> All(IEnumerable<ThreadNode> roots)
    {
        var all = new List<ThreadNode>(roots);
        for (var i = 0; i < all.Count; i++) all.AddRange(all[i].Children);
        return all;
    }
}
