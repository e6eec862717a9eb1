using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Sendmail;
using Posthorn.Tests.Testing.Time;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Host.Sendmail;

public class LetterTests
{
    static string Read(string text, bool dotEnds = true) => Encoding.Latin1.GetString(Letter.Read(Encoding.Latin1.GetBytes(text), dotEnds).ToOctets());

    [Theory]
    [InlineData("A: b\n\nc\n", "A: b\r\n\r\nc\r\n")]
    [InlineData("A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n")]
    [InlineData("A: b\n c\n\td\n\ne", "A: b\r\n c\r\n\td\r\n\r\ne\r\n")]
    [InlineData("A: b\nno field\n", "A: b\r\n\r\nno field\r\n")]
    [InlineData("hello\n", "\r\nhello\r\n")]
    [InlineData("\nhello\n", "\r\nhello\r\n")]
    [InlineData("", "\r\n")]
    [InlineData("From bob Sat Nov 21\nA: b\n\nc\n", "A: b\r\n\r\nc\r\n")]
    [InlineData("A: b\n\n50%\r60%\rdone\n", "A: b\r\n\r\n50%\r\n60%\r\ndone\r\n")] // the progress of a command that cron ran
    [InlineData("A: b\n\nx\0y\n", "A: b\r\n\r\nxy\r\n")]
    [InlineData("A: b\n\nx\n.\ny\n", "A: b\r\n\r\nx\r\n")]
    [InlineData("A: b\n\nx\n..\n.y\n", "A: b\r\n\r\nx\r\n..\r\n.y\r\n")]
    [InlineData(".\n", "\r\n")]
    [InlineData(": b\n", "\r\n: b\r\n")]
    public void What_comes_becomes_a_message(string text, string message) => Read(text).ShouldBe(message);

    [Fact]
    public void A_dot_may_be_text() => Read("A: b\n\nx\n.\ny\n", dotEnds: false).ShouldBe("A: b\r\n\r\nx\r\n.\r\ny\r\n");

    [Fact]
    public void Any_octets_become_lines() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll<byte[]>(octets =>
        {
            var text = Encoding.Latin1.GetString(Letter.Read(octets ?? [], dotEnds: false).ToOctets());
            return text.EndsWith("\r\n", StringComparison.Ordinal) && text.Replace("\r\n", "").IndexOfAny(['\r', '\n', '\0']) < 0;
        }));

    static string Complete(string text, string? sender = "bob@example.test", string? name = null)
    {
        var letter = Letter.Read(Encoding.UTF8.GetBytes(text), true);
        Originator.Complete(letter, sender is null ? null : EmailAddress.TryParse(sender), name, "mail.example.test", new FakeTimeProvider(new DateTimeOffset(2026, 11, 1, 8, 5, 9, TimeSpan.Zero)));
        return Encoding.UTF8.GetString(letter.ToOctets());
    }

    [Fact]
    public void What_is_missing_is_added()
    {
        var text = Complete("Subject: x\n\nhi\n", name: "Bob B");
        text.ShouldStartWith("Subject: x\r\nFrom: Bob B <bob@example.test>\r\nDate: Sun, 1 Nov 2026 08:05:09 +0000\r\nMessage-ID: <");
        text.ShouldEndWith("@mail.example.test>\r\n\r\nhi\r\n");
        Complete("", sender: null).ShouldStartWith("From: MAILER-DAEMON@mail.example.test\r\n");
    }

    [Fact]
    public void What_is_there_stays_and_blind_copies_go() =>
        Complete("from: a@b.test\nDATE: x\nBcc: secret@b.test,\n other@b.test\nMessage-Id: <1@b.test>\nResent-bcc: s@b.test\nTo: c@d.test\n\nBcc: text\n")
            .ShouldBe("from: a@b.test\r\nDATE: x\r\nMessage-Id: <1@b.test>\r\nTo: c@d.test\r\n\r\nBcc: text\r\n");

    [Theory]
    [InlineData("Bob B", "Bob B")]
    [InlineData("B. \"x\\\" B", "\"B. \\\"x\\\\\\\" B\"")]
    [InlineData("a\r\nX-Evil: 1", "\"aX-Evil: 1\"")]
    [InlineData("J\u00f6rg", "=?utf-8?B?SsO2cmc=?=")]
    public void Names(string name, string phrase) => Originator.Phrase(name).ShouldBe(phrase);

    [Fact]
    public void A_long_name_is_several_words()
    {
        var lines = Originator.Phrase(new string('\u00e9', 90)).Split("\r\n ");
        lines.ShouldAllBe(l => l.Length <= 75);
        string.Concat(lines.Select(l => Encoding.UTF8.GetString(Convert.FromBase64String(l[10..^2])))).ShouldBe(new string('\u00e9', 90));
    }

    [Theory]
    [InlineData("root", "root@example.test")]
    [InlineData("a@b.test", "a@b.test")]
    [InlineData("a@b.test, c , <d@e.test>", "a@b.test c@example.test d@e.test")]
    [InlineData("\"Doe, J.\" <j@b.test> (a, b (c)), x@y.test (late)", "j@b.test x@y.test")]
    [InlineData("team: a@b.test, \"q,r\"@b.test;, none:;", "a@b.test \"q,r\"@b.test")]
    [InlineData("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]")]
    [InlineData("", "")]
    [InlineData(" , ;", "")]
    [InlineData("a@b.test (never closed", "a@b.test")]
    [InlineData("a@b.test \\(", "!")]
    [InlineData("two words", "!")]
    [InlineData("a@b@c", "!")]
    [InlineData("a@b.test\r\nRCPT TO:<x@y.test>", "x@y.test")]
    [InlineData("a@b.test\r\nRCPT TO", "!")]
    [InlineData("<a@b.test", "a@b.test")]
    [InlineData("\"never closed", "!")]
    public void Recipients(string text, string found)
    {
        if (found == "!") Should.Throw<BadRecipientException>(() => RecipientWords.Read(text, "example.test").ToList());
        else string.Join(' ', RecipientWords.Read(text, "example.test")).ShouldBe(found);
    }

    [Fact]
    public void Reading_recipients_ends_for_any_text() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll<string>(text =>
        {
            try { return RecipientWords.Read(text ?? "", "example.test").All(a => !a.ToString().Any(char.IsControl)); }
            catch (BadRecipientException) { return true; }
        }));

    [Theory]
    [InlineData(null, "bob@example.test")]
    [InlineData("", null)]
    [InlineData("<>", null)]
    [InlineData("<a@b.test>", "a@b.test")]
    [InlineData("www", "www@example.test")]
    public void Senders(string? given, string? sender) => Originator.Sender(given, "bob", "example.test")?.ToString().ShouldBe(sender);
}
