using System.Text;
using Posthorn.Mime.Encodings;
using Posthorn.Storage.Messages;

namespace Posthorn.Imap.Grammar;

/// <summary><c>search-key</c> and what stands around it.</summary>
static class SearchGrammar
{
    /// <summary><c>search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)</c></summary>
    /// <param name="charset">What the client named; null when it named none. A text is read as UTF-8 then.</param>
    internal static SearchKey Program(ref ImapReader r, out string? charset)
    {
        charset = null;
        if (r.TryWord("CHARSET"u8))
        {
            r.SP();
            charset = r.AStringText();
            r.SP();
        }
        return Criteria(ref r, charset);
    }

    /// <summary><c>search-criteria = charset SP search-key *(SP search-key)</c>: SORT and THREAD name it always (RFC 5256 §5).</summary>
    internal static SearchKey WithCharset(ref ImapReader r, out string charset)
    {
        charset = r.AStringText();
        r.SP();
        return Criteria(ref r, charset);
    }

    static SearchKey Criteria(ref ImapReader r, string? charset)
    {
        // A charset that is not known is refused with BADCHARSET by the session, which needs the command to be right else.
        var encoding = charset is null ? Encoding.UTF8 : Charsets.Find(charset) ?? Encoding.Latin1;
        return Keys(ref r, encoding);
    }

    /// <summary>True when text in a charset can be searched for.</summary>
    internal static bool IsKnown(string? charset) => charset is null || Charsets.Find(charset) is not null;

    static SearchKey Keys(ref ImapReader r, Encoding charset)
    {
        var first = Key(ref r, charset);
        if (r.Peek != ' ') return first;
        var keys = new List<SearchKey> { first };
        while (r.TryTake((byte)' ')) keys.Add(Key(ref r, charset));
        return new SearchKey.And(keys);
    }

    static SearchKey Key(ref ImapReader r, Encoding charset)
    {
        if (r.TryOpen())
        {
            var keys = Keys(ref r, charset);
            r.Close();
            return keys;
        }
        if (r.Peek is (byte)'*' or (byte)'$' or >= (byte)'0' and <= (byte)'9') return new SearchKey.Numbers(r.SequenceSet());
        var word = r.Keyword();
        switch (word)
        {
            case "NOT":
                return new SearchKey.Not(Nested(ref r, charset));
            case "FUZZY":
                return new SearchKey.Fuzzy(Nested(ref r, charset));
            case "OR":
                var left = Nested(ref r, charset);
                return new SearchKey.Or(left, Nested(ref r, charset));
            default:
                return Plain(word) ?? WithArgument(word, ref r, charset);
        }
    }

    /// <summary>A key inside a key counts as a parenthesis: NOT NOT NOT … would else recurse without limit.</summary>
    static SearchKey Nested(ref ImapReader r, Encoding charset)
    {
        r.SP();
        r.Deeper(1);
        var key = Key(ref r, charset);
        r.Deeper(-1);
        return key;
    }

    static SearchKey? Plain(string word) => word switch
    {
        "ALL" => new SearchKey.All(),
        "ANSWERED" => new SearchKey.Flag(MessageFlags.Answered),
        "DELETED" => new SearchKey.Flag(MessageFlags.Deleted),
        "DRAFT" => new SearchKey.Flag(MessageFlags.Draft),
        "FLAGGED" => new SearchKey.Flag(MessageFlags.Flagged),
        "SEEN" => new SearchKey.Flag(MessageFlags.Seen),
        "UNANSWERED" => Without(MessageFlags.Answered),
        "UNDELETED" => Without(MessageFlags.Deleted),
        "UNDRAFT" => Without(MessageFlags.Draft),
        "UNFLAGGED" => Without(MessageFlags.Flagged),
        "UNSEEN" => Without(MessageFlags.Seen),
        "RECENT" => new SearchKey.Recent(),
        "OLD" => new SearchKey.Not(new SearchKey.Recent()),
        "NEW" => new SearchKey.And([new SearchKey.Recent(), Without(MessageFlags.Seen)]),
        "SAVEDATESUPPORTED" => new SearchKey.SaveDateSupported(),
        _ => null,
    };

    static SearchKey.Not Without(MessageFlags flag) => new(new SearchKey.Flag(flag));

    static SearchKey WithArgument(string word, ref ImapReader r, Encoding charset)
    {
        if (!IsKey(word)) throw r.Bad("a search key expected");
        r.SP();
        return word switch
        {
            "BCC" => new SearchKey.Field(SearchField.Bcc, Text(ref r, charset)),
            "CC" => new SearchKey.Field(SearchField.Cc, Text(ref r, charset)),
            "FROM" => new SearchKey.Field(SearchField.From, Text(ref r, charset)),
            "SUBJECT" => new SearchKey.Field(SearchField.Subject, Text(ref r, charset)),
            "TO" => new SearchKey.Field(SearchField.To, Text(ref r, charset)),
            "BODY" => new SearchKey.Body(Text(ref r, charset)),
            "TEXT" => new SearchKey.Text(Text(ref r, charset)),
            "HEADER" => Header(ref r, charset),
            "KEYWORD" => Keyword(ref r),
            "UNKEYWORD" => new SearchKey.Not(Keyword(ref r)),
            "BEFORE" => Date(ref r, SearchDate.Internal, SearchWhen.Before),
            "ON" => Date(ref r, SearchDate.Internal, SearchWhen.On),
            "SINCE" => Date(ref r, SearchDate.Internal, SearchWhen.Since),
            "SENTBEFORE" => Date(ref r, SearchDate.Sent, SearchWhen.Before),
            "SENTON" => Date(ref r, SearchDate.Sent, SearchWhen.On),
            "SENTSINCE" => Date(ref r, SearchDate.Sent, SearchWhen.Since),
            "SAVEDBEFORE" => Date(ref r, SearchDate.Saved, SearchWhen.Before),
            "SAVEDON" => Date(ref r, SearchDate.Saved, SearchWhen.On),
            "SAVEDSINCE" => Date(ref r, SearchDate.Saved, SearchWhen.Since),
            "LARGER" => new SearchKey.Larger(r.Number64()),
            "SMALLER" => new SearchKey.Smaller(r.Number64()),
            "OLDER" => new SearchKey.Within(Younger: false, r.NzNumber()),
            "YOUNGER" => new SearchKey.Within(Younger: true, r.NzNumber()),
            "UID" => new SearchKey.Uids(r.SequenceSet()),
            "UIDAFTER" => new SearchKey.UidAfter(r.NzNumber()),
            "UIDBEFORE" => new SearchKey.UidBefore(r.NzNumber()),
            "MODSEQ" => ModSeq(ref r),
            "EMAILID" => new SearchKey.EmailId(ObjectId(ref r)),
            "THREADID" => new SearchKey.ThreadId(ObjectId(ref r)),
            _ => new SearchKey.Filter(r.AtomText()),
        };
    }

    static bool IsKey(string word) => word is "BCC" or "CC" or "FROM" or "SUBJECT" or "TO" or "BODY" or "TEXT" or "HEADER" or "KEYWORD" or "UNKEYWORD"
        or "BEFORE" or "ON" or "SINCE" or "SENTBEFORE" or "SENTON" or "SENTSINCE" or "SAVEDBEFORE" or "SAVEDON" or "SAVEDSINCE" or "LARGER" or "SMALLER"
        or "OLDER" or "YOUNGER" or "UID" or "UIDAFTER" or "UIDBEFORE" or "MODSEQ" or "EMAILID" or "THREADID" or "FILTER";

    static string Text(ref ImapReader r, Encoding charset) => charset.GetString(r.AString());

    static SearchKey.Header Header(ref ImapReader r, Encoding charset)
    {
        var name = r.AStringText();
        r.SP();
        return new SearchKey.Header(name, Text(ref r, charset));
    }

    /// <summary><c>flag-keyword</c>: a keyword with a bit of its own is that bit.</summary>
    static SearchKey Keyword(ref ImapReader r)
    {
        var atom = r.Atom();
        return FlagList.TryBit(atom, out var bit) ? new SearchKey.Flag(bit) : new SearchKey.Keyword(Encoding.ASCII.GetString(atom));
    }

    static SearchKey.Date Date(ref ImapReader r, SearchDate which, SearchWhen when) => new(which, when, ImapDate.Date(ref r));

    static SearchKey.ModSeq ModSeq(ref ImapReader r)
    {
        if (r.Peek != '"') return new SearchKey.ModSeq(r.Number64(), null, null);
        var entry = Encoding.UTF8.GetString(r.String());
        r.SP();
        var kind = r.Keyword();
        if (kind is not ("PRIV" or "SHARED" or "ALL")) throw r.Bad("priv, shared or all expected");
        r.SP();
        return new SearchKey.ModSeq(r.Number64(), entry, kind);
    }

    /// <summary><c>objectid = 1*255(ALPHA / DIGIT / "_" / "-")</c> (RFC 8474 §7).</summary>
    static string ObjectId(ref ImapReader r)
    {
        var id = r.AtomText();
        foreach (var c in id)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')) throw r.Bad("an object id expected");
        return id.Length <= 255 ? id : throw r.Bad("an object id expected");
    }
}
