namespace Posthorn.Imap.Grammar;

/// <summary>What a search is to answer.</summary>
[Flags]
enum SearchReturn
{
    None = 0,
    Min = 1,
    Max = 2,
    All = 4,
    Count = 8,

    /// <summary>Keep the result as "$" (RFC 5182).</summary>
    Save = 16,

    /// <summary>RFC 5267 §4.2: a hint that more will be asked about this search.</summary>
    Context = 32,

    /// <summary>RFC 5267 §4.3: tell of changes.</summary>
    Update = 64,

    /// <summary>RFC 6203 §4.</summary>
    Relevancy = 128,
}

/// <summary><c>search-return-opts</c> (RFC 4466 §2.6.1, RFC 4731, RFC 5267, RFC 9394).</summary>
/// <param name="Wanted">As asked for; <c>RETURN ()</c> is <c>RETURN (ALL)</c> (RFC 4731 §3.1).</param>
/// <param name="Partial">A window of the result.</param>
sealed record ReturnOptions(SearchReturn Wanted, PartialRange? Partial)
{
    /// <summary>What UPDATE is to tell of messages that come into the result (RFC 5465 §7); empty for nothing.</summary>
    internal IReadOnlyList<FetchItem> News { get; init; } = [];

    /// <summary>Reads <c>"RETURN" SP "(" … ")" SP</c> when it is there; null when not.</summary>
    internal static ReturnOptions? Read(ref ImapReader r)
    {
        if (!r.TryWord("RETURN"u8)) return null;
        r.SP();
        r.Open();
        var wanted = SearchReturn.None;
        PartialRange? partial = null;
        IReadOnlyList<FetchItem> news = [];
        if (!r.TryClose())
        {
            do
            {
                if (r.TryWord("PARTIAL"u8))
                {
                    if (partial is not null) throw r.Bad("one PARTIAL is enough"); // RFC 5267 §4.4
                    r.SP();
                    partial = Range(ref r);
                }
                else
                {
                    var one = One(ref r);
                    if (one == SearchReturn.Update && r.Rest.StartsWith(" ("u8))
                    {
                        r.SP();
                        news = FetchArguments.ItemList(ref r);
                    }
                    wanted |= one;
                }
            }
            while (r.TryTake((byte)' '));
            r.Close();
        }
        r.SP();
        // RFC 9394 §3.1: one or the other, and neither by default.
        if (partial is not null && (wanted & SearchReturn.All) != 0) throw r.Bad("PARTIAL and ALL exclude each other");
        const SearchReturn Results = SearchReturn.Min | SearchReturn.Max | SearchReturn.All | SearchReturn.Count | SearchReturn.Save;
        if ((wanted & Results) == 0 && partial is null) wanted |= SearchReturn.All;
        return new ReturnOptions(wanted, partial) { News = news };
    }

    static SearchReturn One(ref ImapReader r)
    {
        if (r.TryWord("MIN"u8)) return SearchReturn.Min;
        if (r.TryWord("MAX"u8)) return SearchReturn.Max;
        if (r.TryWord("ALL"u8)) return SearchReturn.All;
        if (r.TryWord("COUNT"u8)) return SearchReturn.Count;
        if (r.TryWord("SAVE"u8)) return SearchReturn.Save;
        if (r.TryWord("CONTEXT"u8)) return SearchReturn.Context;
        if (r.TryWord("UPDATE"u8)) return SearchReturn.Update;
        if (r.TryWord("RELEVANCY"u8)) return SearchReturn.Relevancy;
        throw r.Bad("a return option expected");
    }

    /// <summary><c>partial-range</c> (RFC 9394 §4): both ends from the same side, the smaller first in what is returned.</summary>
    internal static PartialRange Range(ref ImapReader r)
    {
        var fromEnd = r.TryTake((byte)'-');
        long first = r.NzNumber();
        r.Take((byte)':', ": expected");
        if (r.TryTake((byte)'-') != fromEnd) throw r.Bad("a range counts from one side");
        long last = r.NzNumber();
        if (first > last) (first, last) = (last, first);
        return fromEnd ? new PartialRange(-first, -last) : new PartialRange(first, last);
    }
}
