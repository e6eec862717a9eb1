using Posthorn.Mime.Sections;

namespace Posthorn.Imap.Grammar;

/// <summary>What one FETCH item is (RFC 9051 §6.4.5 and extensions).</summary>
enum FetchAttribute
{
    Envelope,
    Flags,
    InternalDate,
    Rfc822,
    Rfc822Header,
    Rfc822Text,
    Rfc822Size,
    Body,
    BodyStructure,
    Uid,
    BodySection,
    Binary,
    BinarySize,

    /// <summary>RFC 7162 §3.1.5.</summary>
    ModSeq,

    /// <summary>RFC 8474 §5.</summary>
    EmailId,
    ThreadId,

    /// <summary>RFC 8514 §4.2.</summary>
    SaveDate,

    /// <summary>RFC 8970 §3.</summary>
    Preview,
}

/// <summary><c>&lt;offset.count&gt;</c>.</summary>
readonly record struct Partial(long Offset, long Count);

/// <summary>One item with what belongs to it.</summary>
/// <param name="Attribute">Which.</param>
/// <param name="Section">Of BODY[…], BINARY[…] and BINARY.SIZE[…]; else null.</param>
/// <param name="Peek">True when fetching it does not set \Seen.</param>
/// <param name="Partial">The octets asked for; null for all.</param>
/// <param name="Lazy">PREVIEW (LAZY): only what is at hand.</param>
sealed record FetchItem(FetchAttribute Attribute, Section? Section = null, bool Peek = true, Partial? Partial = null, bool Lazy = false);

/// <summary>A range of results, counted from 1 from the oldest, or from the newest when both are negative (RFC 9394 §3.1).</summary>
readonly record struct PartialRange(long First, long Last);

/// <summary>The arguments of FETCH and UID FETCH.</summary>
/// <param name="ChangedSince">RFC 7162 §3.1.4.1; null without it.</param>
/// <param name="Vanished">RFC 7162 §3.2.6.</param>
/// <param name="Partial">RFC 9394 §3.3.</param>
sealed record FetchArguments(SequenceSet Messages, IReadOnlyList<FetchItem> Items, long? ChangedSince, bool Vanished, PartialRange? Partial)
{
    static readonly FetchItem Flags = new(FetchAttribute.Flags), Date = new(FetchAttribute.InternalDate), Size = new(FetchAttribute.Rfc822Size),
        Envelope = new(FetchAttribute.Envelope), Body = new(FetchAttribute.Body);

    /// <summary>All behind the space after FETCH.</summary>
    internal static FetchArguments Read(ref ImapReader r)
    {
        var messages = r.SequenceSet();
        r.SP();
        var items = ItemList(ref r);
        long? changedSince = null;
        var vanished = false;
        PartialRange? partial = null;
        if (r.TryTake((byte)' '))
        {
            r.Open();
            do
            {
                if (r.TryWord("CHANGEDSINCE"u8))
                {
                    r.SP();
                    changedSince = r.Number64();
                }
                else if (r.TryWord("VANISHED"u8)) vanished = true;
                else if (r.TryWord("PARTIAL"u8))
                {
                    r.SP();
                    partial = ReturnOptions.Range(ref r);
                }
                else throw r.Bad("a FETCH modifier expected");
            }
            while (r.TryTake((byte)' '));
            r.Close();
        }
        r.End();
        // RFC 7162 §3.2.6: VANISHED makes sense with CHANGEDSINCE only.
        if (vanished && changedSince is null) throw r.Bad("VANISHED needs CHANGEDSINCE");
        return new FetchArguments(messages, items, changedSince, vanished, partial);
    }

    /// <summary>Items of one command: each may mean that a body is read.</summary>
    const int MostItems = 256;

    internal static List<FetchItem> ItemList(ref ImapReader r)
    {
        if (r.TryWord("ALL"u8)) return [Flags, Date, Size, Envelope];
        if (r.TryWord("FAST"u8)) return [Flags, Date, Size];
        if (r.TryWord("FULL"u8)) return [Flags, Date, Size, Envelope, Body];
        if (!r.TryOpen()) return [Item(ref r)];
        var items = new List<FetchItem>(4);
        do
        {
            if (items.Count == MostItems) throw r.Bad("too many items");
            items.Add(Item(ref r));
        }
        while (r.TryTake((byte)' '));
        r.Close();
        return items;
    }

    /// <summary><c>fetch-att</c></summary>
    internal static FetchItem Item(ref ImapReader r)
    {
        if (r.TryWord("FLAGS"u8)) return Flags;
        if (r.TryWord("UID"u8)) return new(FetchAttribute.Uid);
        if (r.TryWord("ENVELOPE"u8)) return Envelope;
        if (r.TryWord("INTERNALDATE"u8)) return Date;
        if (r.TryWord("RFC822.SIZE"u8)) return Size;
        if (r.TryWord("RFC822.HEADER"u8)) return new(FetchAttribute.Rfc822Header);
        if (r.TryWord("RFC822.TEXT"u8)) return new(FetchAttribute.Rfc822Text, Peek: false);
        if (r.TryWord("RFC822"u8)) return new(FetchAttribute.Rfc822, Peek: false);
        if (r.TryWord("BODYSTRUCTURE"u8)) return new(FetchAttribute.BodyStructure);
        if (r.TryWord("BODY.PEEK"u8)) return SectionGrammar.BodySection(ref r, peek: true);
        if (r.TryWord("BODY"u8)) return r.Peek == '[' ? SectionGrammar.BodySection(ref r, peek: false) : Body;
        if (r.TryWord("BINARY.SIZE"u8)) return new(FetchAttribute.BinarySize, SectionGrammar.BinaryPath(ref r));
        if (r.TryWord("BINARY.PEEK"u8)) return SectionGrammar.Binary(ref r, peek: true);
        if (r.TryWord("BINARY"u8)) return SectionGrammar.Binary(ref r, peek: false);
        if (r.TryWord("MODSEQ"u8)) return new(FetchAttribute.ModSeq);
        if (r.TryWord("EMAILID"u8)) return new(FetchAttribute.EmailId);
        if (r.TryWord("THREADID"u8)) return new(FetchAttribute.ThreadId);
        if (r.TryWord("SAVEDATE"u8)) return new(FetchAttribute.SaveDate);
        if (r.TryWord("PREVIEW"u8)) return new(FetchAttribute.Preview, Lazy: Lazy(ref r));
        throw r.Bad("a FETCH item expected");
    }

    /// <summary><c>"PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]</c>; modifiers of later standards are no error (RFC 8970 §3.1).</summary>
    static bool Lazy(ref ImapReader r)
    {
        if (!r.Rest.StartsWith(" ("u8)) return false;
        r.SP();
        r.Open();
        var lazy = false;
        do lazy |= r.Keyword() == "LAZY";
        while (r.TryTake((byte)' '));
        r.Close();
        return lazy;
    }
}
