using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;
using static Posthorn.Tests.Unit.Imap.GrammarReading;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>What the other commands take.</summary>
public class CommandGrammarTests
{
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
}
