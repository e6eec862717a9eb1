using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Grammar;
using Posthorn.Mime.Sections;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;
using static Posthorn.Tests.Unit.Imap.GrammarReading;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>The words of the grammar, what FETCH takes, and octets at random.</summary>
public class GrammarTests
{
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
