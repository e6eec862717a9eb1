using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.Sort;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Storage;

namespace Posthorn.Imap.Extensions.Thread;

/// <summary>THREAD (RFC 5256): ORDEREDSUBJECT and REFERENCES.</summary>
sealed class ThreadExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new ThreadCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES"]);
    }
}

/// <summary>THREAD and UID THREAD.</summary>
sealed class ThreadCommand : ImapCommand
{
    /// <summary>Messages whose rows are read together.</summary>
    const int Batch = 64;

    internal override string Verb => "THREAD";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (wanted.Algorithm is not ("REFERENCES" or "ORDEREDSUBJECT")) return new(Reply.Bad("an algorithm that is not offered"));
        if (SearchCommand.Refuses(session, selected, null, wanted.Charset, wanted.Key) is { } refusal) return new(refusal);
        var found = MailboxSearch.Run(session, selected, wanted.Key, ct);
        var byReference = wanted.Algorithm == "REFERENCES";
        var nodes = Nodes(session, selected, found, byReference, ct);
        var roots = byReference ? new ReferenceThreads(nodes).Build() : SubjectThreads.Build(nodes);
        Write(session, selected, roots, arguments.ByUid);
        return new(Reply.Ok("THREAD completed"));
    }

    static ThreadArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return ThreadArguments.Read(ref reader);
    }

    static List<ThreadNode> Nodes(ImapSession session, SelectedMailbox selected, List<int> found, bool references, CancellationToken ct)
    {
        var nodes = new List<ThreadNode>(found.Count);
        for (var at = 0; at < found.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            var batch = found.GetRange(at, Math.Min(Batch, found.Count - at));
            foreach (var (index, source) in references ? MessageBatch.Whole(session, selected, batch) : MessageBatch.Structures(session, selected, batch))
            {
                if (source is null) continue;
                using (source) nodes.Add(Node(session, selected, index, source, references));
            }
        }
        return nodes;
    }

    static ThreadNode Node(ImapSession session, SelectedMailbox selected, int index, MessageSource source, bool references)
    {
        var content = new SearchContent(source);
        var envelope = content.Envelope;
        var (subject, reply) = BaseSubject.Of(envelope.Subject);
        IReadOnlyList<string> ancestors = [];
        if (references)
        {
            try { ancestors = MessageIdList.Of(content.Raw("References")); }
            catch (StoreDamageException e) { ImapLog.Damaged(session.Server.Log, source.MessageId, selected.AccountId, e.Message); }
            if (ancestors.Count == 0 && MessageIdList.Of(envelope.InReplyTo) is [var parent, ..]) ancestors = [parent];
        }
        return new ThreadNode
        {
            Index = index,
            Id = MessageIdList.Of(envelope.MessageId) is [var id, ..] ? id : null,
            Ancestors = ancestors,
            Subject = CaseMap.Fold(subject),
            IsReply = reply,
            Date = SentDate.Moment(envelope.Date) ?? selected.Shown[index].Received,
        };
    }

    /// <summary>
    /// <c>thread-list</c> (RFC 5256 §5), with a stack of its own: threads may be as deep as there are messages.
    /// </summary>
    static void Write(ImapSession session, SelectedMailbox selected, List<ThreadNode> roots, bool byUid)
    {
        var output = session.Out;
        output.Raw(roots.Count == 0 ? "* THREAD"u8 : "* THREAD "u8);
        var todo = new Stack<ThreadNode?>(); // null closes a parenthesis
        foreach (var root in Enumerable.Reverse(roots)) todo.Push(root);
        while (todo.TryPop(out var node))
        {
            if (node is null)
            {
                output.Raw(")"u8);
                continue;
            }
            output.Raw("("u8);
            todo.Push(null);
            var spaced = false;
            // A line of only children needs no parentheses.
            while (true)
            {
                if (node.Index >= 0)
                {
                    if (spaced) output.SP();
                    spaced = true;
                    output.Number(byUid ? selected.Shown[node.Index].Uid : (uint)node.Index + 1);
                }
                if (node.Children.Count != 1) break;
                node = node.Children[0];
            }
            if (node.Children.Count > 0 && spaced) output.SP();
            for (var i = node.Children.Count - 1; i >= 0; i--) todo.Push(node.Children[i]);
        }
        output.EndLine();
    }
}
