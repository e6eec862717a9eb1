using Posthorn.Imap.Extensions.Catenate;
using Posthorn.Imap.Search;
using Posthorn.Imap.Session;
using Posthorn.Imap.Threads;
using Posthorn.Mime.Threads;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>The small readers: subjects, dates, message ids, URLs, names.</summary>
public class WordsTests
{
    [Theory]
    [InlineData("Re: a b", "a b", true)]
    [InlineData("re[2]: fw:  [list] a\tb (fwd) (FWD) ", "a b", true)]
    [InlineData("[list] a", "a", false)]
    [InlineData("[list]", "[list]", false)]
    [InlineData("[a][b] re [c]: [d] e", "e", true)]
    [InlineData("[fwd: re: x]", "x", true)]
    [InlineData("[Fwd: [Fwd: x]]", "x", true)]
    [InlineData("Re:", "", true)]
    [InlineData("reply", "reply", false)]
    [InlineData("[a[b] c", "[a[b] c", false)]
    [InlineData(null, "", false)]
    public void Base_subjects(string? subject, string expected, bool reply) => BaseSubject.Of(subject).ShouldBe(new BaseSubject(expected, reply));

    [Theory]
    [InlineData("Mon, 7 Feb 1994 21:52:25 -0800 (PST)", "1994-02-08T05:52:25Z")]
    [InlineData("7 Feb 94 21:52 EST", "1994-02-08T02:52:00Z")]
    [InlineData("7 Feb 2004", "2004-02-07T00:00:00Z")]
    [InlineData("7 Feb 2004 99:00:00 +0000", "2004-02-07T00:00:00Z")]
    [InlineData("Sat, 31 Dec 9999 23:59:59 -1400", "9999-12-31T23:59:59Z")]
    [InlineData("30 Feb 2004", null)]
    [InlineData("", null)]
    [InlineData("yesterday", null)]
    public void Sent_dates(string date, string? expected) =>
        SentDate.Moment(date).ShouldBe(expected is null ? null : DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("<a@b> <c@d>", "a@b c@d")]
    [InlineData("<\"a\"@b>", "a@b")]
    [InlineData("<\"a>x\"@b>", "a>x@b")]
    [InlineData("fred (no id) <nothing> <x@y", "")]
    [InlineData(null, "")]
    public void Message_ids(string? field, string expected) => string.Join(' ', MessageIdList.Read(field)).ShouldBe(expected);

    [Theory]
    [InlineData("/INBOX;UIDVALIDITY=5/;UID=7/;SECTION=1.2/;PARTIAL=3.4", "INBOX", 5u, 7u)]
    [InlineData("/Dr%C3%A4fts/;UID=7", "Dräfts", null, 7u)]
    [InlineData(";UID=9", null, null, 9u)]
    [InlineData("/;UID=9", null, null, 9u)]
    public void Urls_that_are(string url, string? mailbox, uint? validity, uint uid)
    {
        MessageUrl.TryParse(url, out var parsed).ShouldBeTrue();
        (parsed.Mailbox, parsed.UidValidity, parsed.Uid).ShouldBe((mailbox, validity, uid));
    }

    [Theory]
    [InlineData("imap://host/INBOX/;UID=1")]
    [InlineData("//host/INBOX/;UID=1")]
    [InlineData("/INBOX")]
    [InlineData("/INBOX/;UID=0")]
    [InlineData("/INBOX/;UID=x")]
    [InlineData("/INBOX;UIDVALIDITY=/;UID=1")]
    [InlineData("/INBOX/;UID=1/;SECTION=HEADER.FIELDS")]
    [InlineData("/INBOX/;UID=1/;URLAUTH=anonymous")]
    public void Urls_that_are_not(string url) => MessageUrl.TryParse(url, out _).ShouldBeFalse();

    [Theory]
    [InlineData("inbox", "INBOX")]
    [InlineData("Inbox/a", "INBOX/a")]
    [InlineData("inboxes", "inboxes")]
    public void Normal_names(string name, string normal) => MailboxName.Normal(name).ShouldBe(normal);

    [Theory]
    [InlineData("a/b", true)]
    [InlineData("ä ö", true)]
    [InlineData("", false)]
    [InlineData("/a", false)]
    [InlineData("a//b", false)]
    [InlineData("a/", false)]
    [InlineData("a\u0001", false)]
    [InlineData("a%", false)]
    [InlineData(" ", false)]
    public void Good_names(string name, bool good) => MailboxName.IsGood(name).ShouldBe(good);

    [Fact]
    public void Names_have_limits()
    {
        MailboxName.IsGood(new string('a', 1001)).ShouldBeFalse();
        MailboxName.IsGood(string.Join('/', Enumerable.Repeat("a", 51))).ShouldBeFalse();
    }
}
