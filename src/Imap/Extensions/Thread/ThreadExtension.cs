using System.Buffers;
using System.Text;
using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Threads;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Sections;
using Posthorn.Mime.Threads;

namespace Posthorn.Imap.Extensions.Thread;

/// <summary>THREAD (RFC 5256) by subject, by references, and by references alone.</summary>
sealed class ThreadExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new ThreadCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS"]);
    }
}

/// <summary>THREAD and UID THREAD (RFC 5256 §3): a search whose result shows who answers whom.</summary>
sealed class ThreadCommand : ImapCommand
{
    internal override string Verb => "THREAD";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (Algorithm(wanted.Algorithm) is not { } thread) return Reply.Bad("a threading algorithm that is not offered");
        var key = wanted.Key;
        if (SearchCommand.Refuses(session, selected, null, wanted.Charset, ref key) is { } refusal) return refusal;
        if (MessageLimits.Refuses(session, selected, key) is { } tooMany) return tooMany;
        var bySubject = wanted.Algorithm == "ORDEREDSUBJECT";
        var messages = new List<ThreadMessage>();
        var found = await MailboxSearch.RunAsync(session, selected, key, ct).ConfigureAwait(false);
        foreach (var done in EnvelopeScan.Run(session, selected, found, references: !bySubject, (index, source) => messages.Add(Message(selected, index, source, !bySubject)), ct))
            await session.Progress.TellAsync(done, found.Count).ConfigureAwait(false);
        session.Out.Raw("* THREAD"u8);
        if (messages.Count > 0) session.Out.SP();
        ThreadText.Write(session.Out, thread(messages), index => arguments.ByUid ? selected.Shown[index].Uid : (uint)index + 1);
        session.Out.EndLine();
        return Reply.Ok("THREAD completed");
    }

    static ThreadArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return ThreadArguments.Read(ref reader);
    }

    static Func<IReadOnlyList<ThreadMessage>, List<ThreadNode>>? Algorithm(string name) => name switch
    {
        "ORDEREDSUBJECT" => OrderedSubject.Thread,
        "REFERENCES" => References.Thread,
        "REFS" => References.ThreadByArrival,
        _ => null,
    };

    static ThreadMessage Message(SelectedMailbox selected, int index, MessageSource source, bool references)
    {
        var envelope = new SearchContent(source).Envelope;
        var subject = BaseSubject.Of(envelope.Subject);
        var received = selected.Shown[index].Received;
        List<string> refers = references ? ReferencesOf(source) : [];
        // RFC 5256 §3: only the first of In-Reply-To, whose other ids may be addresses.
        if (references && refers.Count == 0 && MessageIdList.Read(envelope.InReplyTo) is [var parent, ..]) refers = [parent];
        return new ThreadMessage(index, references && MessageIdList.Read(envelope.MessageId) is [var id, ..] ? id : null, refers,
            CaseMap.Fold(subject.Text), subject.IsReply, SentDate.Moment(envelope.Date) ?? received, received);
    }

    static List<string> ReferencesOf(MessageSource source)
    {
        if (source.TryReferences(out _, out var kept)) return MessageIdList.Read(Encoding.Latin1.GetString(kept));
        var header = new OctetRange(0, source.PrefixLength + source.Root.BodyStart).Slice(0, HeaderSummary.MaxHeader);
        var field = new ArrayBufferWriter<byte>();
        var filter = new HeaderFieldsFilter(["References"], not: false);
        filter.Write(source.Octets(header), field);
        filter.End(field);
        return MessageIdList.Read(Encoding.Latin1.GetString(field.WrittenSpan));
    }
}
