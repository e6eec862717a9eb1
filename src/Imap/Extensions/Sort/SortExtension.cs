using Posthorn.Imap.Commands;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Mime.Envelopes;

namespace Posthorn.Imap.Extensions.Sort;

/// <summary>SORT (RFC 5256) with the keys of RFC 5957 and the answers of RFC 5267 §3.</summary>
sealed class SortExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new SortCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["SORT", "SORT=DISPLAY", "ESORT"]);
    }
}

/// <summary>SORT and UID SORT.</summary>
sealed class SortCommand : ImapCommand
{
    /// <summary>Messages whose structures are read together.</summary>
    const int Batch = 256;

    internal override string Verb => "SORT";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        if (wanted.Criteria.Any(static c => c.Key == SortKey.Relevancy)) return new(Reply.Bad("a sort key that is not offered"));
        if (SearchCommand.Refuses(session, selected, wanted.Return, wanted.Charset, wanted.Key) is { } refusal) return new(refusal);
        var found = MailboxSearch.Run(session, selected, wanted.Key, ct);
        if (wanted.Return is { } options && (options.Wanted & SearchReturn.Save) != 0) selected.Saved = SearchCommand.Kept(selected.Shown, found, options.Wanted);
        Sort(session, selected, found, wanted.Criteria, ct);
        var modSeq = SearchCommand.AsksModSeq(wanted.Key);
        if (wanted.Return is null) SearchAnswer.Plain(session, selected, Verb, found, arguments.ByUid, modSeq);
        else SearchAnswer.Extended(session, selected, found, arguments.ByUid, modSeq, wanted.Return);
        return new(Reply.Ok("SORT completed"));
    }

    static SortArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return SortArguments.Read(ref reader);
    }

    static void Sort(ImapSession session, SelectedMailbox selected, List<int> found, IReadOnlyList<SortCriterion> criteria, CancellationToken ct)
    {
        if (found.Count < 2) return;
        var values = new Dictionary<int, IComparable[]>(found.Count);
        var fromView = criteria.All(static c => c.Key is SortKey.Arrival or SortKey.Size);
        for (var at = 0; at < found.Count; at += Batch)
        {
            ct.ThrowIfCancellationRequested();
            var batch = found.GetRange(at, Math.Min(Batch, found.Count - at));
            if (fromView)
                foreach (var index in batch) values[index] = Values(selected, index, null, criteria);
            else
                foreach (var (index, source) in MessageBatch.Structures(session, selected, batch))
                    using (source) values[index] = Values(selected, index, source is null ? null : new SearchContent(source).Envelope, criteria);
        }
        found.Sort((a, b) =>
        {
            var (x, y) = (values[a], values[b]);
            for (var i = 0; i < x.Length; i++)
                if (x[i].CompareTo(y[i]) is not 0 and var order) return criteria[i].Reverse ? -order : order;
            // RFC 5256 §3: equal messages in the order of their numbers.
            return a.CompareTo(b);
        });
    }

    static IComparable[] Values(SelectedMailbox selected, int index, Envelope? envelope, IReadOnlyList<SortCriterion> criteria)
    {
        var values = new IComparable[criteria.Count];
        ref readonly var row = ref selected.Shown.Row(index);
        for (var i = 0; i < values.Length; i++)
            values[i] = criteria[i].Key switch
            {
                SortKey.Arrival => row.Received,
                SortKey.Size => row.Size,
                SortKey.Date => SentDate.Moment(envelope?.Date) ?? row.Received,
                SortKey.Subject => new Folded(BaseSubject.Of(envelope?.Subject).Base),
                SortKey.From => Mailbox(envelope?.From),
                SortKey.To => Mailbox(envelope?.To),
                SortKey.Cc => Mailbox(envelope?.Cc),
                SortKey.DisplayFrom => Display(envelope?.From),
                _ => Display(envelope?.To),
            };
        return values;
    }

    /// <summary>The local part of the first address (RFC 5256 §3).</summary>
    static Folded Mailbox(IReadOnlyList<EnvelopeAddress>? list) => new(list?.FirstOrDefault()?.Mailbox ?? "");

    /// <summary>RFC 5957 §3: the name of the first address that is one, else the address.</summary>
    static Folded Display(IReadOnlyList<EnvelopeAddress>? list) =>
        list?.FirstOrDefault(static a => a.IsMailbox) is { } first ? new(string.IsNullOrEmpty(first.Name) ? $"{first.Mailbox}@{first.Host}" : first.Name) : new("");

    /// <summary>Text that compares without case, by its characters.</summary>
    sealed class Folded(string text) : IComparable
    {
        readonly string _text = CaseMap.Fold(text);

        public int CompareTo(object? other) => string.CompareOrdinal(_text, ((Folded)other!)._text);
    }
}
