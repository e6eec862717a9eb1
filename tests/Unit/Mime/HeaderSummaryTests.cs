using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Mime.Headers;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Mime;

public class HeaderSummaryTests
{
    static HeaderSummary Read(string text) => HeaderSummary.Read(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Finds_what_delivery_needs()
    {
        var s = Read("Received: from a\r\n\tby b; now\r\nReceived: x\r\nFROM : Alice\r\n <alice@example.test>\r\nSender: bob@example.test\r\n" +
                     "Date: today\r\nMessage-ID:\r\n <1@x>\r\nSubject: two\r\n  lines\r\nReturn-Path: <x@y>\r\n\r\nFrom: body@x\r\n");
        s.Ended.ShouldBeTrue();
        s.Fields.ShouldBe(8);
        s.Received.ShouldBe(2);
        s.From.ShouldBe(["alice@example.test"]);
        s.FromFields.ShouldBe(1);
        s.Sender.ShouldBe("bob@example.test");
        (s.HasDate, s.HasMessageId, s.MessageId, s.Subject).ShouldBe((true, true, "<1@x>", "two  lines"));
        s.ReturnPaths.ShouldBe(1);
        s.OverLimit.ShouldBeFalse();
    }

    [Fact]
    public void Length_has_the_empty_line_or_is_all()
    {
        Read("A: b\r\n\r\nbody").Length.ShouldBe(8);
        Read("A: b\n\nbody").Length.ShouldBe(6);
        Read("A: b\r\nno end").Length.ShouldBe(12);
        Read("\r\nbody").Length.ShouldBe(2);
        Read("").Length.ShouldBe(0);
        Read("A: b\r\nno end").Ended.ShouldBeFalse();
    }

    [Theory]
    [InlineData("From: nobody\r\n\r\n", 1)]
    [InlineData("From: a@x.test\r\nFrom: b b b\r\n\r\n", 2)]
    [InlineData("From:\r\n\r\n", 1)]
    public void An_unreadable_From_is_null(string text, int fields)
    {
        Read(text).From.ShouldBeNull();
        Read(text).FromFields.ShouldBe(fields);
    }

    [Fact]
    public void Two_From_fields_give_all_their_mailboxes()
    {
        var s = Read("From: a@x.test, b@x.test\r\nfrom: c@x.test\r\n\r\n");
        s.FromFields.ShouldBe(2);
        s.From.ShouldBe(["a@x.test", "b@x.test", "c@x.test"]);
        Read("To: a@x.test\r\n\r\n").From.ShouldBeEmpty();
    }

    [Fact]
    public void Limits_of_the_threat_table()
    {
        Read(string.Concat(Enumerable.Repeat("A: b\r\n", 2000)) + "\r\n").OverLimit.ShouldBeFalse();
        Read(string.Concat(Enumerable.Repeat("A: b\r\n", 2001)) + "\r\n").OverLimit.ShouldBeTrue();
        Read("A: " + new string('x', (128 << 10) - 5) + "\r\n\r\n").OverLimit.ShouldBeFalse();
        Read("A: " + new string('x', 128 << 10) + "\r\n\r\n").OverLimit.ShouldBeTrue();
        var big = "A: " + new string('x', 99_995) + "\r\n";
        Read(string.Concat(Enumerable.Repeat(big, 10)) + "\r\n").OverLimit.ShouldBeFalse();
        Read(string.Concat(Enumerable.Repeat(big, 11)) + "\r\n").OverLimit.ShouldBeTrue();
    }

    [Fact]
    public void Never_throws_on_random_octets()
    {
        var piece = Gen.Elements("From", ":", " ", "\r\n", "\n", "\r", "a@x.test", "Sender: ", "\0", "é", "\t", "Subject: ", "x");
        var inputs = Gen.ArrayOf(piece).Select(p => Encoding.UTF8.GetBytes(string.Concat(p)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(60), Prop.ForAll(Arb.From(inputs), octets =>
        {
            var s = HeaderSummary.Read(octets);
            return s.Length <= octets.Length && (s.Ended || s.Length == octets.Length);
        }));
    }
}
