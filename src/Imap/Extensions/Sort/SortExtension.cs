using Posthorn.Imap.Commands;
using Posthorn.Imap.Extensions.Context;
using Posthorn.Imap.Extensions.Fuzzy;
using Posthorn.Imap.Extensions.MessageLimit;
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

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        var key = wanted.Key;
        if (SearchCommand.Refuses(session, selected, wanted.Return, wanted.Charset, ref key) is { } refusal) return refusal;
        var byRelevancy = wanted.Criteria.Any(static c => c.Key == SortKey.Relevancy);
        if (byRelevancy && !SearchCommand.IsFuzzy(key)) return Reply.Bad("RELEVANCY is for FUZZY"); // RFC 6203 §6
        if (MessageLimits.Refuses(session, selected, key) is { } tooMany) return tooMany;
        var found = await MailboxSearch.RunAsync(session, selected, key, ct).ConfigureAwait(false);
        var order = new SortOrder(wanted.Criteria, byRelevancy ? await Relevancy.ScoresAsync(session, selected, key, found, ct).ConfigureAwait(false) : []);
        var entries = await order.SortAsync(session, selected, found, ct).ConfigureAwait(false);
        var sorted = entries.ConvertAll(e => selected.Shown.IndexOf(e.Uid));
        var modSeq = SearchCommand.AsksModSeq(key);
        if (wanted.Return is not { } options)
        {
            SearchAnswer.Plain(session, selected, Verb, sorted, arguments.ByUid, modSeq);
            return Reply.Ok("SORT completed");
        }
        if ((options.Wanted & SearchReturn.Save) != 0) selected.Saved = [.. SearchCommand.Kept(selected.Shown, sorted, options).Order()];
        SearchAnswer.Extended(session, selected, sorted, arguments.ByUid, modSeq, options, await SearchCommand.ScoresAsync(session, selected, key, found, options, ct).ConfigureAwait(false));
        if ((options.Wanted & SearchReturn.Update) != 0) SearchContexts.Add(session, key, arguments.ByUid, sorted, new SortedResult(order, entries), options.News);
        return Reply.Ok("SORT completed");
    }

    static SortArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return SortArguments.Read(ref reader);
    }
}
