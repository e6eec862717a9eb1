using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Grammar;

/// <summary>Which date a search looks at.</summary>
enum SearchDate
{
    /// <summary>When the message arrived, in the server's zone (RFC 9051 §6.4.4: "disregarding time and timezone").</summary>
    Internal,

    /// <summary>The Date field.</summary>
    Sent,

    /// <summary>When it was put into this mailbox (RFC 8514).</summary>
    Saved,
}

enum SearchWhen { Before, On, Since }

/// <summary>The fields with a key of their own.</summary>
enum SearchField { Bcc, Cc, From, Subject, To }

/// <summary>What a message is searched for (RFC 9051 §6.4.4 and extensions). The tree is as deep as the limits allow parentheses.</summary>
abstract record SearchKey
{
    internal sealed record All : SearchKey;

    /// <summary>All of several keys.</summary>
    internal sealed record And(IReadOnlyList<SearchKey> Keys) : SearchKey;

    internal sealed record Or(SearchKey Left, SearchKey Right) : SearchKey;

    internal sealed record Not(SearchKey Key) : SearchKey;

    /// <summary>A flag with a bit in the store, set or (by NOT) unset.</summary>
    internal sealed record Flag(MessageFlags Bit) : SearchKey;

    internal sealed record Keyword(string Name) : SearchKey;

    /// <summary>\Recent of rev1.</summary>
    internal sealed record Recent : SearchKey;

    internal sealed record Field(SearchField Which, string Value) : SearchKey;

    /// <summary>A field by name; an empty text asks only whether it is there.</summary>
    internal sealed record Header(string Name, string Value) : SearchKey;

    internal sealed record Body(string Value) : SearchKey;

    internal sealed record Text(string Value) : SearchKey;

    internal sealed record Date(SearchDate Which, SearchWhen When, DateOnly Day) : SearchKey;

    /// <summary>RFC 8514 §4.3: whether this mailbox keeps save dates.</summary>
    internal sealed record SaveDateSupported : SearchKey;

    internal sealed record Larger(long Octets) : SearchKey;

    internal sealed record Smaller(long Octets) : SearchKey;

    /// <summary>RFC 5032: arrived more than so many seconds ago, or (younger) within them.</summary>
    internal sealed record Within(bool Younger, uint Seconds) : SearchKey;

    internal sealed record Numbers(SequenceSet Set) : SearchKey;

    internal sealed record Uids(SequenceSet Set) : SearchKey;

    internal sealed record UidAfter(uint Uid) : SearchKey;

    internal sealed record UidBefore(uint Uid) : SearchKey;

    /// <summary>RFC 7162 §3.1.5; the entry, when one was named, is a flag ("/flags/…") and its kind priv, shared or all.</summary>
    internal sealed record ModSeq(long Least, string? Entry, string? Kind) : SearchKey;

    /// <summary>RFC 8474 §6.</summary>
    internal sealed record EmailId(string Id) : SearchKey;

    internal sealed record ThreadId(string Id) : SearchKey;

    /// <summary>RFC 6203: as well as the server can.</summary>
    internal sealed record Fuzzy(SearchKey Key) : SearchKey;

    /// <summary>RFC 5466: a search that the server keeps.</summary>
    internal sealed record Filter(string Name) : SearchKey;
}
