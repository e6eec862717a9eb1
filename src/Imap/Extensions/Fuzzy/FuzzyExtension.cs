using Posthorn.Imap.Grammar;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Fuzzy;

/// <summary>SEARCH=FUZZY (RFC 6203): texts are looked for word by word, in any order; all else is matched as ever (§5).</summary>
sealed class FuzzyExtension : ImapExtension
{
    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("SEARCH=FUZZY");
    }
}

/// <summary>How well messages fit a fuzzy search (RFC 6203 §4).</summary>
static class Relevancy
{
    /// <summary>The text stands there as it was asked for; only its words do.</summary>
    internal const int Whole = 100, Words = 50;

    /// <summary>The fuzzy meaning of a key. What is not wanted stays exact, or more would be left out than was asked for.</summary>
    internal static SearchKey Loose(SearchKey key) => key switch
    {
        SearchKey.Field field => Each(field.Value, word => field with { Value = word }),
        SearchKey.Header header => Each(header.Value, word => header with { Value = word }),
        SearchKey.Body body => Each(body.Value, word => body with { Value = word }),
        SearchKey.Text text => Each(text.Value, word => text with { Value = word }),
        SearchKey.And and => new SearchKey.And([.. and.Keys.Select(Loose)]),
        SearchKey.Or or => new SearchKey.Or(Loose(or.Left), Loose(or.Right)),
        _ => key,
    };

    static SearchKey Each(string text, Func<string, SearchKey> key)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? key(text) : words.Length == 1 ? key(words[0]) : new SearchKey.And([.. words.Select(key)]);
    }

    /// <summary>A key without anything fuzzy.</summary>
    static SearchKey Exact(SearchKey key) => key switch
    {
        SearchKey.Fuzzy fuzzy => Exact(fuzzy.Key),
        SearchKey.And and => new SearchKey.And([.. and.Keys.Select(Exact)]),
        SearchKey.Or or => new SearchKey.Or(Exact(or.Left), Exact(or.Right)),
        SearchKey.Not not => new SearchKey.Not(Exact(not.Key)),
        _ => key,
    };

    /// <summary>The scores of messages that were found, by UID.</summary>
    /// <param name="found">Their indices.</param>
    internal static async ValueTask<Dictionary<uint, int>> ScoresAsync(ImapSession session, SelectedMailbox selected, SearchKey key, List<int> found, CancellationToken ct)
    {
        var whole = (await MailboxSearch.RunAsync(session, selected, Exact(key), ct, found).ConfigureAwait(false)).ToHashSet();
        return found.ToDictionary(i => selected.Shown[i].Uid, i => whole.Contains(i) ? Whole : Words);
    }
}
