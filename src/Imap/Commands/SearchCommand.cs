using System.Text;
using Posthorn.Imap.Extensions.Context;
using Posthorn.Imap.Extensions.Filters;
using Posthorn.Imap.Extensions.Fuzzy;
using Posthorn.Imap.Extensions.MessageLimit;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Views;

namespace Posthorn.Imap.Commands;

/// <summary>
/// SEARCH and UID SEARCH (RFC 9051 §6.4.4), with return options (RFC 4731), saved results (RFC 5182), windows (RFC 9394) and
/// change numbers (RFC 7162 §3.1.5).
/// </summary>
sealed class SearchCommand : ImapCommand
{
    internal override string Verb => "SEARCH";

    internal override When When => When.Selected | When.TakesUid | When.KeepsNumbers | When.TakesMessages;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var selected = session.Selected!;
        var wanted = Read(session, arguments);
        // RFC 6855 §3: text is UTF-8 then, and a label could only contradict.
        if (wanted.Charset is not null && (session.Enabled & Enabled.Utf8) != 0) return Reply.Bad("no CHARSET after UTF8=ACCEPT");
        var key = wanted.Key;
        if (Refuses(session, selected, wanted.Return, wanted.Charset, ref key) is { } refusal) return refusal;
        var among = MessageLimits.Exceeding(session, selected, key);
        if (among is not null) MessageLimits.Cut(session, selected.Shown, among);
        var found = await MailboxSearch.RunAsync(session, selected, key, ct, among).ConfigureAwait(false);
        if (wanted.Return is { } options && (options.Wanted & SearchReturn.Save) != 0) selected.Saved = Kept(selected.Shown, found, options);
        var modSeq = AsksModSeq(key);
        if (wanted.Return is null && !session.Rev2) SearchAnswer.Plain(session, selected, Verb, found, arguments.ByUid, modSeq);
        else
        {
            var told = wanted.Return ?? new ReturnOptions(SearchReturn.All, null);
            SearchAnswer.Extended(session, selected, found, arguments.ByUid, modSeq, told, await ScoresAsync(session, selected, key, found, told, ct).ConfigureAwait(false));
        }
        if (wanted.Return is { } update && (update.Wanted & SearchReturn.Update) != 0) SearchContexts.Add(session, key, arguments.ByUid, found, null, update.News);
        return Reply.Ok("SEARCH completed");
    }

    static SearchArguments Read(ImapSession session, Arguments arguments)
    {
        var reader = arguments.Read(session);
        reader.SP();
        return SearchArguments.Read(ref reader);
    }

    /// <summary>Keys of one search: each costs a look at each message.</summary>
    const int MostKeys = 1000;

    static int Count(SearchKey key) => 1 + key switch
    {
        SearchKey.And and => and.Keys.Sum(Count),
        SearchKey.Or or => Count(or.Left) + Count(or.Right),
        SearchKey.Not not => Count(not.Key),
        SearchKey.Fuzzy fuzzy => Count(Relevancy.Loose(fuzzy.Key)),
        _ => 0,
    };

    /// <summary>Why a search cannot be done, or null; puts filters in the place of their names. Also for SORT, THREAD and ESEARCH.</summary>
    internal static Reply? Refuses(ImapSession session, SelectedMailbox? selected, ReturnOptions? options, string? charset, ref SearchKey key)
    {
        // RFC 9051 §6.4.4.1: what a search that cannot be done was to save is nothing.
        if (options is not null && (options.Wanted & SearchReturn.Save) != 0 && selected is not null) selected.Saved = [];
        if (!SearchGrammar.IsKnown(charset)) return Reply.No("BADCHARSET (UTF-8 US-ASCII)", "the charset is not known");
        if (options is not null && (options.Wanted & SearchReturn.Relevancy) != 0 && !IsFuzzy(key)) return Reply.Bad("RELEVANCY is for FUZZY"); // RFC 6203 §4
        if (options is not null && (options.Wanted & SearchReturn.Update) != 0 && selected?.Contexts?.Has(session.Tag.Span) == true) return Reply.Bad("tag reuse");
        if (Names(key, static k => k is SearchKey.Filter))
        {
            // RFC 5466 §3.1: filters are in UTF-8.
            if (charset is not null && !charset.Equals("UTF-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("US-ASCII", StringComparison.OrdinalIgnoreCase))
                return new Reply(ReplyKind.Bad, "BADCHARSET (UTF-8 US-ASCII)", "a filter is in UTF-8");
            var named = key;
            (key, var undefined) = session.Store.Read(unit => FilterExpansion.Run(unit, session.Who!.AccountId, named));
            if (undefined is not null) return Reply.No("UNDEFINED-FILTER " + undefined, "there is no such filter");
        }
        if (Count(key) > MostKeys) return Reply.No("LIMIT", "too many search keys");
        if (session.UidOnly && Names(key, static k => k is SearchKey.Numbers { Set.IsSaved: false })) return new Reply(ReplyKind.Bad, "UIDREQUIRED", "message numbers are not allowed"); // RFC 9586 §3
        if (AsksModSeq(key)) session.Enable(Enabled.CondStore);
        session.NumbersStay = Names(key, static k => k is SearchKey.Numbers { Set.IsSaved: false }); // RFC 7162 §3.2.10.2
        return null;
    }

    internal static bool IsFuzzy(SearchKey key) => Names(key, static k => k is SearchKey.Fuzzy);

    /// <summary>How well each message fits, when that was asked for; else null.</summary>
    internal static async ValueTask<Dictionary<uint, int>?> ScoresAsync(ImapSession session, SelectedMailbox selected, SearchKey key, List<int> found, ReturnOptions options, CancellationToken ct) =>
        (options.Wanted & SearchReturn.Relevancy) == 0 ? null : await Relevancy.ScoresAsync(session, selected, key, found, ct).ConfigureAwait(false);

    internal static bool AsksModSeq(SearchKey key) => Names(key, static k => k is SearchKey.ModSeq);

    static bool Names(SearchKey key, Func<SearchKey, bool> what) => what(key) || key switch
    {
        SearchKey.And and => and.Keys.Any(k => Names(k, what)),
        SearchKey.Or or => Names(or.Left, what) || Names(or.Right, what),
        SearchKey.Not not => Names(not.Key, what),
        SearchKey.Fuzzy fuzzy => Names(fuzzy.Key, what),
        _ => false,
    };

    /// <summary>What "$" is afterwards (RFC 5182 §2.4, RFC 9394 §3.2): all that was found, or the ends and the window when only these were asked for.</summary>
    internal static List<uint> Kept(Snapshot shown, List<int> found, ReturnOptions options)
    {
        const SearchReturn Ends = SearchReturn.Min | SearchReturn.Max;
        if (found.Count == 0) return [];
        if ((options.Wanted & Ends) == 0 && options.Partial is null || (options.Wanted & (SearchReturn.All | SearchReturn.Count)) != 0) return [.. found.Select(i => shown[i].Uid)];
        var kept = new SortedSet<uint>();
        if (options.Partial is { } partial && FetchCommand.Window(found.Count, partial) is var (from, to) && from < to)
            foreach (var index in found[from..to]) kept.Add(shown[index].Uid);
        if ((options.Wanted & SearchReturn.Min) != 0) kept.Add(shown[found[0]].Uid);
        if ((options.Wanted & SearchReturn.Max) != 0) kept.Add(shown[found[^1]].Uid);
        return [.. kept];
    }
}

/// <summary>The answers of a search: SEARCH of RFC 3501, ESEARCH of RFC 4731.</summary>
static class SearchAnswer
{
    /// <param name="name">SEARCH or SORT.</param>
    /// <param name="found">In the order in which they are told.</param>
    internal static void Plain(ImapSession session, SelectedMailbox selected, string name, List<int> found, bool byUid, bool modSeq)
    {
        var output = session.Out;
        output.Raw("* "u8);
        output.Raw(Encoding.ASCII.GetBytes(name));
        foreach (var index in found)
        {
            output.SP();
            output.Number(Number(selected.Shown, index, byUid));
        }
        if (modSeq && found.Count > 0)
        {
            output.Raw(" (MODSEQ "u8);
            output.Number(found.Max(i => selected.Shown[i].ModSeq));
            output.Raw(")"u8);
        }
        output.EndLine();
    }

    internal static void Extended(ImapSession session, SelectedMailbox selected, List<int> found, bool byUid, bool modSeq, ReturnOptions options, Dictionary<uint, int>? scores, bool correlate = false)
    {
        var output = session.Out;
        // RFC 4731 §3.1: with SAVE alone there is nothing to answer.
        if (options.Wanted == SearchReturn.Save && options.Partial is null) return;
        output.Raw("* ESEARCH (TAG "u8);
        output.String(session.Tag.Span);
        if (correlate)
        {
            // RFC 7377 §2.1
            output.Raw(" MAILBOX "u8);
            output.Mailbox(selected.Name);
            output.Raw(" UIDVALIDITY "u8);
            output.Number(selected.UidValidity);
        }
        output.Raw(byUid ? ") UID"u8 : ")"u8);
        var shown = selected.Shown;
        var told = new List<int>();
        if (found.Count > 0 && (options.Wanted & SearchReturn.Min) != 0) One(" MIN "u8, found[0]);
        if (found.Count > 0 && (options.Wanted & SearchReturn.Max) != 0) One(" MAX "u8, found[^1]);
        if ((options.Wanted & SearchReturn.Count) != 0)
        {
            output.Raw(" COUNT "u8);
            output.Number(found.Count);
            told = found;
        }
        if ((options.Wanted & SearchReturn.All) != 0 && found.Count > 0)
        {
            output.Raw(" ALL "u8);
            Set(found);
        }
        if (options.Partial is { } partial) Partial(partial);
        if (scores is not null) Relevancies(options.Partial is { } part && FetchCommand.Window(found.Count, part) is var (from, to) ? from < to ? found[from..to] : [] : found);
        if (modSeq && told.Count > 0)
        {
            output.Raw(" MODSEQ "u8);
            output.Number(told.Max(i => shown[i].ModSeq)); // RFC 7162 §3.1.10
        }
        output.EndLine();

        void One(ReadOnlySpan<byte> name, int index)
        {
            output.Raw(name);
            output.Number(Number(shown, index, byUid));
            told.Add(index);
        }

        void Relevancies(List<int> of)
        {
            output.Raw(" RELEVANCY ("u8);
            for (var i = 0; i < of.Count; i++)
            {
                if (i > 0) output.SP();
                output.Number(scores.GetValueOrDefault(shown[of[i]].Uid, Relevancy.Words));
            }
            output.Raw(")"u8);
        }

        void Set(List<int> indices)
        {
            // RFC 5267 §3: a sorted result keeps its order; only what ascends by one is a range.
            output.Set(SequenceSet.Of([.. indices.Select(i => Number(shown, i, byUid))]));
            told = indices;
        }

        void Partial(PartialRange range)
        {
            output.Raw(Encoding.ASCII.GetBytes($" PARTIAL ({range.First}:{range.Last} "));
            var (from, to) = FetchCommand.Window(found.Count, range);
            if (from < to) Set(found[from..to]);
            else output.Nil();
            output.Raw(")"u8);
        }
    }

    static uint Number(Snapshot shown, int index, bool byUid) => byUid ? shown[index].Uid : (uint)index + 1;
}
