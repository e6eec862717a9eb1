namespace Posthorn.Imap.Threads;

/// <summary>ORDEREDSUBJECT (RFC 5256 §3): one thread for each base subject, one level deep. Pure; n log n.</summary>
static class OrderedSubject
{
    internal static List<ThreadNode> Thread(IReadOnlyList<ThreadMessage> messages)
    {
        var threads = new Dictionary<string, ThreadNode>(StringComparer.Ordinal);
        foreach (var message in messages.OrderBy(static m => m.Sent).ThenBy(static m => m.Index))
        {
            var node = new ThreadNode(message);
            if (!threads.TryAdd(message.Subject, node)) threads[message.Subject].Children.Add(node);
        }
        return [.. threads.Values.Order(Comparer<ThreadNode>.Create(ThreadNode.BySent))];
    }
}
