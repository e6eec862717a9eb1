using Posthorn.Imap.Extensions.Metadata;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Storage;
using Posthorn.Storage.Sharing;

namespace Posthorn.Imap.Extensions.Filters;

/// <summary>FILTERS (RFC 5466): searches that are kept as annotations of the server, and used by name.</summary>
sealed class FiltersExtension : ImapExtension
{
    /// <summary>Where their values are.</summary>
    internal const string Values = "/filters/values/";

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null) words.Add("FILTERS");
    }

    /// <summary>True when a value can be a filter: a whole search in UTF-8.</summary>
    internal static bool IsGood(ReadOnlySpan<byte> value) => Parse(value) is not null;

    internal static SearchKey? Parse(ReadOnlySpan<byte> value)
    {
        try
        {
            var reader = new ImapReader(value, ImapLimits.User, utf8: true);
            var key = SearchGrammar.Program(ref reader, out var charset);
            reader.End();
            return SearchGrammar.IsKnown(charset) ? key : null;
        }
        catch (BadSyntax) { return null; }
    }
}

/// <summary>Puts filters in the place of their names (RFC 5466 §3.1).</summary>
sealed class FilterExpansion(ReadUnit unit, long who)
{
    /// <summary>Filters inside filters, and substitutions in all: names that name each other end here, and so do bombs.</summary>
    const int Deepest = 5, Most = 100;

    int _count;

    /// <summary>A key with all filters put in, and the first name that cannot be (null when all can).</summary>
    internal static (SearchKey Key, string? Undefined) Run(ReadUnit unit, long who, SearchKey key)
    {
        var all = new FilterExpansion(unit, who);
        return (all.Expand(key, 0), all._undefined);
    }

    /// <summary>The first filter that is not there, is no search, or never ends.</summary>
    string? _undefined;

    SearchKey Expand(SearchKey key, int depth) => key switch
    {
        SearchKey.And and => new SearchKey.And([.. and.Keys.Select(k => Expand(k, depth))]),
        SearchKey.Or or => new SearchKey.Or(Expand(or.Left, depth), Expand(or.Right, depth)),
        SearchKey.Not not => new SearchKey.Not(Expand(not.Key, depth)),
        SearchKey.Fuzzy fuzzy => new SearchKey.Fuzzy(Expand(fuzzy.Key, depth)),
        SearchKey.Filter filter => Filter(filter, depth),
        _ => key,
    };

    SearchKey Filter(SearchKey.Filter filter, int depth)
    {
        if (_undefined is null && depth < Deepest && ++_count <= Most && Value(filter.Name) is { } value && FiltersExtension.Parse(value) is { } key) return Expand(key, depth + 1);
        _undefined ??= filter.Name;
        return filter;
    }

    byte[]? Value(string name) => EntryName.TryParse("/private" + FiltersExtension.Values + name, scope: false, out var entry)
        ? Find(who, entry.Name) ?? Find(AnnotationTable.Shared, entry.Name) : null;

    byte[]? Find(long account, string name) => unit.Annotations.List(AnnotationTable.Server, account).FirstOrDefault(a => a.Name == name)?.Value;
}
