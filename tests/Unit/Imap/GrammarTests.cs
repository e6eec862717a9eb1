using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Grammar;
using Posthorn.Mime.Sections;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

public class GrammarTests
{
    delegate T Rule<out T>(ref ImapReader r);

    static T Read<T>(string text, Rule<T> rule, bool utf8 = false, ImapLimits? limits = null)
    {
        var r = new ImapReader(Encoding.UTF8.GetBytes(text), limits ?? ImapLimits.User, utf8);
        var value = rule(ref r);
        r.End();
        return value;
    }

    static int ColumnOf<T>(string text, Rule<T> rule, ImapLimits? limits = null) => Should.Throw<BadSyntax>(() => Read(text, rule, limits: limits)).Column;

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("a]b", "a]b")]
    [InlineData("\"a b\"", "a b")]
    [InlineData("\"a\\\"b\\\\\"", "a\"b\\")]
    [InlineData("\"\"", "")]
    [InlineData("{3}\r\na\"b", "a\"b")]
    [InlineData("{3+}\r\n\r\n ", "\r\n ")]
    [InlineData("{0}\r\n", "")]
    [InlineData("{2}\r\né", "é")]
    [InlineData("NIL", "NIL")]
    public void Astrings(string text, string value) => Read(text, (ref ImapReader r) => r.AStringText()).ShouldBe(value);

    [Theory]
    [InlineData("", 1)]
    [InlineData("(", 1)]
    [InlineData("a b", 2)]
    [InlineData("a{", 2)]
    [InlineData("\"abc", 5)]
    [InlineData("\"a\\b\"", 4)]
    [InlineData("\"a\0b\"", 2)]
    [InlineData("\"a\rb\"", 2)]
    [InlineData("\"é\"", 2)]
    [InlineData("é", 1)]
    [InlineData("{3}\r\nab", 6)]
    [InlineData("{3}ab", 3)]
    [InlineData("{1}\r\n\0", 1)]
    [InlineData("\u007f", 1)]
    public void Not_astrings_and_where(string text, int column) => ColumnOf(text, (ref ImapReader r) => r.AStringText()).ShouldBe(column);

    [Fact]
    public void Quotes_may_hold_utf8_once_that_was_agreed_on()
    {
        Read("\"é\"", (ref ImapReader r) => r.AStringText(), utf8: true).ShouldBe("é");
        byte[] bad = [(byte)'"', 0xe9, (byte)'"'];
        Should.Throw<BadSyntax>(() => { var r = new ImapReader(bad, ImapLimits.User, true); r.AString(); });
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("007", 7L)]
    public void Numbers(string text, long value) => Read(text, (ref ImapReader r) => r.Number64()).ShouldBe(value);

    [Fact]
    public void Numbers_too_large()
    {
        ColumnOf("9223372036854775808", (ref ImapReader r) => r.Number64());
        ColumnOf("4294967296", (ref ImapReader r) => r.Number()).ShouldBe(1);
        ColumnOf("0", (ref ImapReader r) => r.NzNumber()).ShouldBe(1);
        ColumnOf("", (ref ImapReader r) => r.Number());
    }

    [Theory]
    [InlineData("inBoX", false, "INBOX")]
    [InlineData("\"INBOX\"", false, "INBOX")]
    [InlineData("{5}\r\ninbox", false, "INBOX")]
    [InlineData("inbox/x", false, "inbox/x")]
    [InlineData("Entw&APw-rfe", false, "Entwürfe")]
    [InlineData("Entw&APw-rfe", true, "Entw&APw-rfe")]
    [InlineData("\"Entwürfe\"", true, "Entwürfe")]
    public void Mailboxes(string text, bool utf8, string name) => Read(text, (ref ImapReader r) => r.Mailbox(), utf8).ShouldBe(name);

    [Theory]
    [InlineData("\"\"")]
    [InlineData("a&b")]
    [InlineData("{2}\r\né")]
    public void Not_mailboxes(string text) => ColumnOf(text, (ref ImapReader r) => r.Mailbox());

    [Theory]
    [InlineData("1-Feb-1994", "1994-02-01")]
    [InlineData("\"01-feb-1994\"", "1994-02-01")]
    [InlineData("29-Feb-2024", "2024-02-29")]
    public void Dates(string text, string date) => Read(text, (ref ImapReader r) => ImapDate.Date(ref r)).ShouldBe(DateOnly.Parse(date, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("29-Feb-2023")]
    [InlineData("32-Jan-2020")]
    [InlineData("1-Foo-2020")]
    [InlineData("1-anF-2020")]
    [InlineData("1-Jan-0000")]
    [InlineData("1-Jan-20")]
    [InlineData("001-Jan-2020")]
    public void Not_dates(string text) => ColumnOf(text, (ref ImapReader r) => ImapDate.Date(ref r));

    [Theory]
    [InlineData("\"17-Jul-1996 02:44:25 -0700\"", "1996-07-17T02:44:25-07:00")]
    [InlineData("\" 7-Feb-1994 21:52:25 +0530\"", "1994-02-07T21:52:25+05:30")]
    [InlineData("\"31-Dec-2016 23:59:60 +0000\"", "2016-12-31T23:59:59+00:00")]
    public void Times(string text, string time) =>
        Read(text, (ref ImapReader r) => ImapDate.Time(ref r)).ShouldBe(DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("\"17-Jul-1996 02:44:25\"")]
    [InlineData("\"17-Jul-1996 24:44:25 -0700\"")]
    [InlineData("\"17-Jul-1996 02:44:25 -9900\"")]
    [InlineData("\" 1-Jan-0001 00:00:00 +1400\"")]
    [InlineData("17-Jul-1996")]
    public void Not_times(string text) => ColumnOf(text, (ref ImapReader r) => ImapDate.Time(ref r));

    [Fact]
    public void Flags()
    {
        var f = Read("(\\seen \\Deleted $forwarded Custom CUSTOM $junk)", (ref ImapReader r) => FlagList.Read(ref r));
        f.System.ShouldBe(MessageFlags.Seen | MessageFlags.Deleted | MessageFlags.Forwarded | MessageFlags.Junk);
        f.Keywords.ShouldBe(["Custom"]);
        Read("()", (ref ImapReader r) => FlagList.Read(ref r)).ShouldBe(FlagList.None);
        Read("\\Seen a", (ref ImapReader r) => FlagList.ReadBare(ref r)).Keywords.ShouldBe(["a"]);
        foreach (var bad in (string[])["(\\Recent)", "(\\Seen", "( )", "(a  b)", "(\\)", "(\\*)", "(a])", "(\\Unknown)"]) ColumnOf(bad, (ref ImapReader r) => FlagList.Read(ref r));
    }

    static FetchArguments Fetch(string text) => Read(text, (ref ImapReader r) => FetchArguments.Read(ref r));

    [Theory]
    [InlineData("2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", "Flags;BodySection []HeaderFields DATE,FROM")]
    [InlineData("1 ALL", "Flags;InternalDate;Rfc822Size;Envelope")]
    [InlineData("1 fast", "Flags;InternalDate;Rfc822Size")]
    [InlineData("1 FULL", "Flags;InternalDate;Rfc822Size;Envelope;Body")]
    [InlineData("1 BODY.PEEK[]<0.2048>", "BodySection []Whole peek <0.2048>")]
    [InlineData("1 BODY[1.2.HEADER]", "BodySection [1.2]Header")]
    [InlineData("1 BODY[4.2.2.1]", "BodySection [4.2.2.1]Whole")]
    [InlineData("1 BODY[3.MIME]", "BodySection [3]Mime")]
    [InlineData("1 BODY[TEXT]<5.10>", "BodySection []Text <5.10>")]
    [InlineData("1 BODY[1.HEADER.FIELDS.NOT (\"X-a\" {1}\r\nb)]", "BodySection [1]HeaderFieldsNot X-a,b")]
    [InlineData("1 (BINARY[1.2]<0.5> BINARY.PEEK[] BINARY.SIZE[2])", "Binary [1.2]Whole <0.5>;Binary []Whole peek;BinarySize [2]Whole peek")]
    [InlineData("1 (UID RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE BODY BODYSTRUCTURE)", "Uid;Rfc822 set;Rfc822Header;Rfc822Text set;Rfc822Size;Body;BodyStructure")]
    [InlineData("1 (MODSEQ EMAILID THREADID SAVEDATE PREVIEW)", "ModSeq;EmailId;ThreadId;SaveDate;Preview")]
    [InlineData("1 (PREVIEW (LAZY) UID)", "Preview lazy;Uid")]
    [InlineData("1 PREVIEW (LAZY=0 LAZY)", "Preview lazy")]
    public void Fetch_items(string text, string expected) => string.Join(';', Fetch(text).Items.Select(Show)).ShouldBe(expected);

    static string Show(FetchItem i)
    {
        var section = i.Section is null ? "" : $" [{string.Join('.', i.Section.Path)}]{i.Section.What}" + (i.Section.Fields is null ? "" : " " + string.Join(',', i.Section.Fields)) + (i.Peek ? " peek" : "");
        return i.Attribute + section + (i.Section is null && !i.Peek ? " set" : "") + (i.Partial is { } p ? $" <{p.Offset}.{p.Count}>" : "") + (i.Lazy ? " lazy" : "");
    }

    [Fact]
    public void Fetch_modifiers()
    {
        var f = Fetch("1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
        (f.ChangedSince, f.Vanished).ShouldBe((12345L, true));
        Fetch("1:* FLAGS (PARTIAL -1:-30)").Partial.ShouldBe(new PartialRange(-1, -30));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1 ")]
    [InlineData("1 ()")]
    [InlineData("1 FOO")]
    [InlineData("1 BODY[MIME]")]
    [InlineData("1 BODY[0]")]
    [InlineData("1 BODY[1.]")]
    [InlineData("1 BODY[")]
    [InlineData("1 BODY[1 2]")]
    [InlineData("1 BODY[TEXT.1]")]
    [InlineData("1 BODY[HEADER.FIELDS]")]
    [InlineData("1 BODY[HEADER.FIELDS ()]")]
    [InlineData("1 BODY[]<1>")]
    [InlineData("1 BODY[]<1.0>")]
    [InlineData("1 BODYSTRUCTUREX")]
    [InlineData("1 (ALL)")]
    [InlineData("1 FLAGS (VANISHED)")]
    [InlineData("1 FLAGS x")]
    public void Not_fetch(string text) => Should.Throw<BadSyntax>(() => Fetch(text));

    [Fact]
    public void Paths_have_an_end() => Should.Throw<BadSyntax>(() => Fetch("1 BODY[" + string.Join('.', Enumerable.Repeat("1", 10_000)) + "]"));

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

    [Theory]
    [InlineData("2:4 +FLAGS (\\Deleted)", (int)StoreMode.Add, false)]
    [InlineData("1 FLAGS.SILENT \\Seen $x", (int)StoreMode.Replace, true)]
    [InlineData("1 -flags.silent ()", (int)StoreMode.Remove, true)]
    public void Store(string text, int mode, bool silent)
    {
        var s = Read(text, (ref ImapReader r) => StoreArguments.Read(ref r));
        ((int)s.Mode, s.Silent).ShouldBe((mode, silent));
    }

    [Fact]
    public void Store_unless_changed()
    {
        Read("1 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted)", (ref ImapReader r) => StoreArguments.Read(ref r)).UnchangedSince.ShouldBe(320162338);
        foreach (var bad in (string[])["1 FLAGS", "1 +FLAGSX ()", "1 (FOO 1) FLAGS ()", "FLAGS ()", "1 + FLAGS ()"]) ColumnOf(bad, (ref ImapReader r) => StoreArguments.Read(ref r));
        Read("2:4 MEETING", (ref ImapReader r) => CopyArguments.Read(ref r)).Mailbox.ShouldBe("MEETING");
    }

    [Fact]
    public void Status()
    {
        var s = Read("blurdybloop (UIDNEXT MESSAGES)", (ref ImapReader r) => StatusArguments.Read(ref r));
        s.Items.ShouldBe(StatusItems.UidNext | StatusItems.Messages);
        Read("x (UIDVALIDITY UNSEEN DELETED SIZE RECENT HIGHESTMODSEQ MAILBOXID APPENDLIMIT DELETED-STORAGE)", (ref ImapReader r) => StatusArguments.Read(ref r));
        foreach (var bad in (string[])["x ()", "x (FOO)", "x", "(MESSAGES)"]) ColumnOf(bad, (ref ImapReader r) => StatusArguments.Read(ref r));
    }

    [Fact]
    public void List()
    {
        var l = Read("\"\" *", (ref ImapReader r) => ListArguments.Read(ref r));
        (l.Reference, l.Patterns.Single(), l.Extended).ShouldBe(("", "*", false));
        l = Read("(SUBSCRIBED RECURSIVEMATCH) \"ref/\" (\"INBOX\" \"Drafts\" Sent/% &AOk-) RETURN (CHILDREN STATUS (MESSAGES UNSEEN) SPECIAL-USE MYRIGHTS METADATA (\"/shared/comment\"))", (ref ImapReader r) => ListArguments.Read(ref r));
        l.Select.ShouldBe(ListSelect.Subscribed | ListSelect.RecursiveMatch);
        l.Patterns.ShouldBe(["INBOX", "Drafts", "Sent/%", "é"]);
        l.Return.ShouldBe(ListReturn.Children | ListReturn.SpecialUse | ListReturn.MyRights);
        l.Status.ShouldBe(StatusItems.Messages | StatusItems.Unseen);
        l.Metadata.ShouldBe(["/shared/comment"]);
        Read("() \"\" % RETURN ()", (ref ImapReader r) => ListArguments.Read(ref r)).Extended.ShouldBeTrue();
        Read("\"#news.\" \"comp.mail.*\"", (ref ImapReader r) => ListArguments.ReadLsub(ref r)).Select.ShouldBe(ListSelect.Subscribed);
        foreach (var bad in (string[])["(RECURSIVEMATCH) \"\" *", "(REMOTE RECURSIVEMATCH) \"\" *", "(FOO) \"\" *", "\"\" ()", "\"\" * RETURN (FOO)", "\"\"", "\"\" * FOO ()"])
            ColumnOf(bad, (ref ImapReader r) => ListArguments.Read(ref r));
    }

    [Fact]
    public void Select_and_create()
    {
        var s = Read("INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541 (1,5 41,43)) CONDSTORE)", (ref ImapReader r) => SelectArguments.Read(ref r));
        (s.CondStore, s.Resync!.UidValidity, s.Resync.ModSeq, s.Resync.KnownUids!.ToString(), s.Resync.MatchUids!.ToString()).ShouldBe((true, 67890007u, 20050715194045000L, "41,43:211,214:541", "41,43"));
        Read("x (QRESYNC (1 2 (1 2)))", (ref ImapReader r) => SelectArguments.Read(ref r)).Resync!.KnownUids.ShouldBeNull();
        foreach (var bad in (string[])["x (FOO)", "x ()", "x (QRESYNC (1 2 *))", "x (QRESYNC (0 2))", "x (QRESYNC (1 0))"]) ColumnOf(bad, (ref ImapReader r) => SelectArguments.Read(ref r));
        var c = Read("MySpecial (USE (\\Drafts \\Sent))", (ref ImapReader r) => CreateArguments.Read(ref r));
        c.Uses.ShouldBe(["Drafts", "Sent"]);
        Read("owatagusiam/", (ref ImapReader r) => CreateArguments.Read(ref r)).Mailbox.ShouldBe("owatagusiam/");
        ColumnOf("x (USE \\Drafts)", (ref ImapReader r) => CreateArguments.Read(ref r));
    }

    [Fact]
    public void Id_and_enable()
    {
        Read("(\"name\" \"sodr\" \"version\" NIL)", (ref ImapReader r) => IdArguments.Read(ref r)).Fields.ShouldBe([new("name", "sodr"), new("version", null)]);
        Read("NIL", (ref ImapReader r) => IdArguments.Read(ref r)).Fields.ShouldBeEmpty();
        Read("()", (ref ImapReader r) => IdArguments.Read(ref r)).Fields.ShouldBeEmpty();
        string Pairs(int n, int length) => "(" + string.Join(' ', Enumerable.Repeat($"\"a\" \"{new string('x', length)}\"", n)) + ")";
        Read(Pairs(30, 1024), (ref ImapReader r) => IdArguments.Read(ref r), limits: ImapLimits.Stranger).Fields.Count.ShouldBe(30);
        ColumnOf(Pairs(31, 1), (ref ImapReader r) => IdArguments.Read(ref r));
        ColumnOf(Pairs(1, 1025), (ref ImapReader r) => IdArguments.Read(ref r));
        Read("CONDSTORE x-good-idea", (ref ImapReader r) => EnableArguments.Read(ref r)).Capabilities.ShouldBe(["CONDSTORE", "X-GOOD-IDEA"]);
        ColumnOf("", (ref ImapReader r) => EnableArguments.Read(ref r));
    }

    [Fact]
    public void Append_in_pieces()
    {
        var (mailbox, message) = Read("saved-messages (\\Seen $x) \" 7-Feb-1994 21:52:25 -0800\" ", (ref ImapReader r) => AppendGrammar.Head(ref r));
        (mailbox, message.Flags.System, message.Date!.Value.Day, message.Utf8, message.Catenate).ShouldBe(("saved-messages", MessageFlags.Seen, 7, false, false));
        Read("x UTF8 (", (ref ImapReader r) => AppendGrammar.Head(ref r)).Message.Utf8.ShouldBeTrue();
        Read("x ", (ref ImapReader r) => AppendGrammar.Head(ref r)).Message.Flags.ShouldBe(FlagList.None);
        Read("", (ref ImapReader r) => AppendGrammar.AfterMessage(ref r, utf8: false)).ShouldBeFalse();
        Read(")", (ref ImapReader r) => AppendGrammar.AfterMessage(ref r, utf8: true)).ShouldBeFalse();
        Read(" (\\Flagged) ", (ref ImapReader r) => { var more = AppendGrammar.AfterMessage(ref r, utf8: false); AppendGrammar.Message(ref r); return more; }).ShouldBeTrue();
        foreach (var bad in (string[])["x (\\Seen)", "x (\\Seen) foo ", "x", "x UTF8 ", "x \"not a date\" "]) ColumnOf(bad, (ref ImapReader r) => AppendGrammar.Head(ref r));
    }

    [Fact]
    public void Catenate_in_pieces()
    {
        static (IReadOnlyList<string> Urls, bool Closed) Parts(ref ImapReader r, bool first)
        {
            var urls = AppendGrammar.CatenateParts(ref r, first, out var closed);
            return (urls, closed);
        }
        var (urls, closed) = Read("Drafts (\\Draft) CATENATE (URL \"/Drafts;UIDVALIDITY=1/;UID=1\" TEXT ", (ref ImapReader r) =>
        {
            AppendGrammar.Head(ref r).Message.Catenate.ShouldBeTrue();
            return Parts(ref r, true);
        });
        (urls.Single(), closed).ShouldBe(("/Drafts;UIDVALIDITY=1/;UID=1", false));
        (urls, closed) = Read(" URL \"/x\" URL y)", (ref ImapReader r) => Parts(ref r, false));
        (string.Join('+', urls), closed).ShouldBe(("/x+y", true));
        Read(" TEXT ", (ref ImapReader r) => Parts(ref r, false)).Closed.ShouldBeFalse();
        foreach (var bad in (string[])[")", "FOO", "URL", "TEXT", "URL x FOO"]) ColumnOf(bad, (ref ImapReader r) => Parts(ref r, true));
    }

    [Fact]
    public void Any_octets_are_bad_syntax_and_nothing_worse()
    {
        var piece = Gen.Elements("1", ":", "*", ",", " ", "(", ")", "\"", "\\", "{1}\r\n", "[", "]", "<", ">", "FLAGS", "BODY", "NOT", "OR", "SINCE", "HEADER", "1-Jan-2020", "RETURN", "é", "\0", "&", "$", "UID", "CHARSET", "utf-8");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000).WithEndSize(40), Prop.ForAll(Arb.From(Gen.ArrayOf(piece)), p =>
        {
            var text = string.Concat(p);
            Try(text, (ref ImapReader r) => FetchArguments.Read(ref r));
            Try(text, (ref ImapReader r) => SearchArguments.Read(ref r));
            Try(text, (ref ImapReader r) => SortArguments.Read(ref r));
            Try(text, (ref ImapReader r) => StoreArguments.Read(ref r));
            Try(text, (ref ImapReader r) => ListArguments.Read(ref r));
            Try(text, (ref ImapReader r) => StatusArguments.Read(ref r));
            Try(text, (ref ImapReader r) => SelectArguments.Read(ref r));
            Try(text, (ref ImapReader r) => AppendGrammar.Head(ref r));
            Try(text, (ref ImapReader r) => IdArguments.Read(ref r));
            Try(text, (ref ImapReader r) => MultiSearchArguments.Read(ref r));
        }));
    }

    static void Try<T>(string text, Rule<T> rule)
    {
        try { Read(text, rule); }
        catch (BadSyntax e) { e.Column.ShouldBeInRange(1, Encoding.UTF8.GetByteCount(text) + 1); }
    }
}
