using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.Context;
using Posthorn.Imap.Extensions.Fuzzy;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Sort;

/// <summary>SORT (RFC 5256) by display names too (RFC 5957), with return options (RFC 5267 §3).</summary>
sealed class SortExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new SortCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.AddRange(["SORT", "SORT=DISPLAY", "ESORT"]);
    }
}

/// <summary>SORT and UID SORT (RFC 5256 §3): a search whose result is in an order that the client names.</summary>
sealed class SortCommand : ImapCommand
{
    internal override string Verb => "SORT";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        var key = wanted.Key;
        if (SearchCommand.Refuses(session, selected, wanted.Return, wanted.Charset, ref key) is { } refusal) return new(refusal);
        var byRelevancy = wanted.Criteria.Any(static c => c.Key == SortKey.Relevancy);
        if (byRelevancy && !SearchCommand.IsFuzzy(key)) return new(Reply.Bad("RELEVANCY is for FUZZY")); // RFC 6203 §6
        var found = MailboxSearch.Run(session, selected, key, ct);
        var order = new SortOrder(wanted.Criteria, byRelevancy ? Relevancy.Scores(session, selected, key, found, ct) : []);
        var entries = order.Sort(session, selected, found, ct);
        var sorted = entries.ConvertAll(e => selected.Shown.IndexOf(e.Uid));
        var modSeq = SearchCommand.AsksModSeq(key);
        if (wanted.Return is not { } options)
        {
            SearchAnswer.Plain(session, selected, Verb, sorted, arguments.ByUid, modSeq);
            return new(Reply.Ok("SORT completed"));
        }
        if ((options.Wanted & SearchReturn.Save) != 0) selected.Saved = [.. SearchCommand.Kept(selected.Shown, sorted, options.Wanted).Order()];
        SearchAnswer.Extended(session, selected, sorted, arguments.ByUid, modSeq, options, SearchCommand.Scores(session, selected, key, found, options, ct));
        if ((options.Wanted & SearchReturn.Update) != 0) SearchContexts.Add(session, key, arguments.ByUid, sorted, new SortedResult(order, entries), options.News);
        return new(Reply.Ok("SORT completed"));
    }

    static SortArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return SortArguments.Read(ref reader);
    }
}
