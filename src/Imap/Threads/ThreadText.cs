using Posthorn.Imap.Grammar;

namespace Posthorn.Imap.Threads;

/// <summary>Threads as the THREAD response writes them (RFC 5256 §4): without recursion.</summary>
static class ThreadText
{
    /// <param name="number">The number of a message as the client asked for it.</param>
    internal static void Write(ResponseWriter output, IReadOnlyList<ThreadNode> threads, Func<int, uint> number)
    {
        var open = new Stack<ThreadNode?>(); // null closes a parenthesis
        foreach (var thread in threads)
        {
            open.Push(thread);
            while (open.TryPop(out var node))
            {
                if (node is null)
                {
                    output.Raw(")"u8);
                    continue;
                }
                output.Raw("("u8);
                open.Push(null);
                while (true)
                {
                    if (node.Message is { } message)
                    {
                        output.Number(number(message.Index));
                        if (node.Children.Count > 0) output.SP();
                    }
                    if (node.Children is not [var only]) break;
                    node = only;
                }
                for (var i = node.Children.Count - 1; i >= 0; i--) open.Push(node.Children[i]);
            }
        }
    }
}
