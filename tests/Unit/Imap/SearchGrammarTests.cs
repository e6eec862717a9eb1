using System.Text;
using Posthorn.Imap.Grammar;
using Shouldly;
using Xunit;
using static Posthorn.Tests.Unit.Imap.GrammarReading;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>What SEARCH, SORT, THREAD and ESEARCH take.</summary>
public class SearchGrammarTests
{
    static SearchArguments Search(string text) => Read(text, (ref ImapReader r) => SearchArguments.Read(ref r));

    static string Show(SearchKey key) => key switch
    {
        SearchKey.And a => "(" + string.Join(' ', a.Keys.Select(Show)) + ")",
        SearchKey.Or o => $"[{Show(o.Left)} | {Show(o.Right)}]",
        SearchKey.Not n => "!" + Show(n.Key),
        SearchKey.Fuzzy f => "~" + Show(f.Key),
        SearchKey.Numbers n => "#" + n.Set,
        SearchKey.Uids u => "uid" + u.Set,
        SearchKey.Date d => $"{d.Which}{d.When}{d.Day:yyyyMMdd}",
        SearchKey.Flag f => f.Bit.ToString(),
        SearchKey.Field f => $"{f.Which}={f.Value}",
        SearchKey.Header h => $"{h.Name}:{h.Value}",
        SearchKey.Body b => $"body={b.Value}",
        SearchKey.Text t => $"text={t.Value}",
        SearchKey.Keyword k => "k=" + k.Name,
        SearchKey.ModSeq m => $"modseq{m.Least}{m.Entry}{m.Kind}",
        SearchKey.Within w => (w.Younger ? "<" : ">") + w.Seconds + "s",
        SearchKey.Larger l => "larger" + l.Octets,
        SearchKey.Smaller s => "smaller" + s.Octets,
        SearchKey.UidAfter u => "after" + u.Uid,
        SearchKey.UidBefore u => "before" + u.Uid,
        SearchKey.EmailId e => "email" + e.Id,
        SearchKey.ThreadId t => "thread" + t.Id,
        SearchKey.Filter f => "filter" + f.Name,
        _ => key.GetType().Name,
    };

    /// <summary>RFC 3501 and 9051 §6.4.4, RFC 5032, 5182, 5466, 6203, 7162, 8474, 8514.</summary>
    [Theory]
    [InlineData("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", "(Flagged InternalSince19940201 !From=Smith)")]
    [InlineData("TEXT \"string not in mailbox\"", "text=string not in mailbox")]
    [InlineData("CHARSET UTF-8 TEXT {6}\r\nпри", "text=при")]
    [InlineData("ALL", "All")]
    [InlineData("OR SEEN (DRAFT UNDELETED)", "[Seen | (Draft !Deleted)]")]
    [InlineData("OR OR SEEN DRAFT NOT NOT ANSWERED", "[[Seen | Draft] | !!Answered]")]
    [InlineData("1:5,9 UID 7:* $", "(#1:5,9 uid7:* #$)")]
    [InlineData("NEW OLD RECENT", "((Recent !Seen) !Recent Recent)")]
    [InlineData("KEYWORD $Junk UNKEYWORD foo", "(Junk !k=foo)")]
    [InlineData("HEADER \"X-A\" \"\" BCC a CC b TO c SUBJECT d BODY e", "(X-A: Bcc=a Cc=b To=c Subject=d body=e)")]
    [InlineData("BEFORE 1-Jan-2020 ON \"2-Jan-2020\" SENTBEFORE 1-Jan-2020 SENTON 1-Jan-2020 SENTSINCE 1-Jan-2020", "(InternalBefore20200101 InternalOn20200102 SentBefore20200101 SentOn20200101 SentSince20200101)")]
    [InlineData("SAVEDBEFORE 1-Jan-2020 SAVEDON 1-Jan-2020 SAVEDSINCE 1-Jan-2020 SAVEDATESUPPORTED", "(SavedBefore20200101 SavedOn20200101 SavedSince20200101 SaveDateSupported)")]
    [InlineData("LARGER 9999999999 SMALLER 5 YOUNGER 259200 OLDER 1", "(larger9999999999 smaller5 <259200s >1s)")]
    [InlineData("MODSEQ 620162338 MODSEQ \"/flags/\\\\draft\" all 620162338", "(modseq620162338 modseq620162338/flags/\\draftALL)")]
    [InlineData("EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9", "(emailM6d99ac3275bb4e threadT64b478a75b7ea9)")]
    [InlineData("FUZZY (SUBJECT balloons FROM x) FILTER on-the-road", "(~(Subject=balloons From=x) filteron-the-road)")]
    [InlineData("UIDAFTER 5 UIDBEFORE 9", "(after5 before9)")]
    public void Search_keys(string text, string expected) => Show(Search(text).Key).ShouldBe(expected);

    [Theory]
    [InlineData("RETURN () ALL", (int)(SearchReturn.All))]
    [InlineData("RETURN (MIN COUNT) ALL", (int)(SearchReturn.Min | SearchReturn.Count))]
    [InlineData("return (SAVE) CHARSET UTF-8 ALL", (int)(SearchReturn.Save))]
    [InlineData("RETURN (UPDATE CONTEXT) ALL", (int)(SearchReturn.Update | SearchReturn.Context | SearchReturn.All))]
    [InlineData("RETURN (ALL RELEVANCY) FUZZY TEXT x", (int)(SearchReturn.All | SearchReturn.Relevancy))]
    [InlineData("RETURN (PARTIAL 500:1) ALL", (int)(SearchReturn.None))]
    public void Return_options(string text, int wanted) => ((int)Search(text).Return!.Wanted).ShouldBe(wanted);

    [Fact]
    public void Charsets()
    {
        var s = Search("CHARSET no-such TEXT {1}\r\nx");
        s.Charset.ShouldBe("no-such");
        SearchGrammar.IsKnown(s.Charset).ShouldBeFalse();
        SearchGrammar.IsKnown("KOI8-R").ShouldBeTrue();
        byte[] octets = [.. "CHARSET koi8-r SUBJECT {1}\r\n"u8, 0xf0];
        var r = new ImapReader(octets, ImapLimits.User);
        Show(SearchArguments.Read(ref r).Key).ShouldBe("Subject=П");
        Search("RETURN (PARTIAL -5:-1) ALL").Return!.Partial.ShouldBe(new PartialRange(-1, -5));
        Search("ALL").Return.ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("FOO")]
    [InlineData("NOT")]
    [InlineData("OR SEEN")]
    [InlineData("()")]
    [InlineData("(SEEN")]
    [InlineData("SEEN)")]
    [InlineData("SEEN  DRAFT")]
    [InlineData("SUBJECT")]
    [InlineData("SINCE yesterday")]
    [InlineData("YOUNGER 0")]
    [InlineData("EMAILID a.b")]
    [InlineData("RETURN (FOO) ALL")]
    [InlineData("RETURN (PARTIAL 1:-5) ALL")]
    [InlineData("RETURN (PARTIAL 1:5 ALL) ALL")]
    [InlineData("RETURN MIN ALL")]
    public void Not_search(string text) => Should.Throw<BadSyntax>(() => Search(text));

    [Fact]
    public void Nesting_has_an_end_of_every_kind()
    {
        foreach (var one in (string[])["NOT ", "(", "OR SEEN ", "FUZZY ", "NOT ("])
            Should.Throw<BadSyntax>(() => Search(string.Concat(Enumerable.Repeat(one, 5000)) + "SEEN")).Message.ShouldBeOneOf("too deep", "too many parentheses");
        Search(string.Concat(Enumerable.Repeat("NOT ", 32)) + "SEEN");
        Should.Throw<BadSyntax>(() => Search(string.Concat(Enumerable.Repeat("NOT ", 33)) + "SEEN"));
        Should.Throw<BadSyntax>(() => Read("(((((SEEN)))))", (ref ImapReader r) => SearchArguments.Read(ref r), limits: ImapLimits.Stranger));
        Should.Throw<BadSyntax>(() => Search(string.Concat(Enumerable.Repeat("SEEN ", 10_001)) + "SEEN")).Message.ShouldBe("too many words");
    }

    [Fact]
    public void Sort_and_thread()
    {
        var s = Read("(REVERSE SUBJECT DATE) UTF-8 SINCE 1-Feb-1994", (ref ImapReader r) => SortArguments.Read(ref r));
        s.Criteria.ShouldBe([new(SortKey.Subject, true), new(SortKey.Date, false)]);
        (s.Charset, Show(s.Key)).ShouldBe(("UTF-8", "InternalSince19940201"));
        Read("RETURN (PARTIAL 1:500) (REVERSE DISPLAYFROM RELEVANCY) US-ASCII ALL", (ref ImapReader r) => SortArguments.Read(ref r)).Return!.Partial.ShouldBe(new PartialRange(1, 500));
        var t = Read("ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000", (ref ImapReader r) => ThreadArguments.Read(ref r));
        (t.Algorithm, t.Charset).ShouldBe(("ORDEREDSUBJECT", "UTF-8"));
        foreach (var bad in (string[])["() UTF-8 ALL", "(FOO) UTF-8 ALL", "(REVERSE) UTF-8 ALL", "(DATE) ALL"]) ColumnOf(bad, (ref ImapReader r) => SortArguments.Read(ref r));
    }

    [Fact]
    public void Search_over_many_mailboxes()
    {
        var m = Read("IN (mailboxes \"folder1\" subtree (\"folder2\" a) selected) RETURN (COUNT) unseen", (ref ImapReader r) => MultiSearchArguments.Read(ref r));
        m.In!.Select(s => $"{s.Filter}:{string.Join('+', s.Names)}").ShouldBe(["Mailboxes:folder1", "Subtree:folder2+a", "Selected:"]);
        Read("ALL", (ref ImapReader r) => MultiSearchArguments.Read(ref r)).In.ShouldBeNull();
        ColumnOf("IN (foo) ALL", (ref ImapReader r) => MultiSearchArguments.Read(ref r));
    }
}
