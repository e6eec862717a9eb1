using System.Text;
using Posthorn.Delivery.Dsn;
using Posthorn.Mime.Structure;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class NoticeComposerTests
{
    static readonly DateTimeOffset At = new(2026, 3, 1, 7, 5, 9, TimeSpan.FromHours(2));

    static EmailAddress Address(string text) => EmailAddress.TryParse(text).ShouldNotBeNull(text);

    static string Compose(Notice notice) => Encoding.UTF8.GetString(new NoticeComposer("mail.example.test").Compose(notice).Octets.Span);

    static Notice About(string header, bool utf8 = false, params NoticeRecipient[] recipients) => new()
    {
        Id = "0notice",
        MessageId = "0abc",
        To = Address("sender@far.example"),
        Arrived = At,
        Now = At.AddSeconds(1),
        Recipients = recipients.Length > 0 ? recipients : [new(Address("bob@example.test"), null, Fate.Delivered)],
        Returned = new ReturnedMessage("Received: x\r\n"u8.ToArray(), Encoding.Latin1.GetBytes(header.ReplaceLineEndings("\r\n")), utf8),
    };

    static void IsGolden(string name, string text)
    {
        Golden.Is(name, text);
        WellFormed(text);
    }

    /// <summary>What must hold for every notice, checked by our own MIME reader.</summary>
    static Part WellFormed(string text)
    {
        text.Replace("\r\n", "").ShouldNotContain('\r');
        text.Replace("\r\n", "").ShouldNotContain('\n');
        text.Split("\r\n").ShouldAllBe(l => l.Length <= 998);
        var tree = PartTree.Read(Encoding.UTF8.GetBytes(text));
        (tree.Type, tree.Subtype, tree.Parts.Count).ShouldBe(("multipart", "report", 3));
        tree.Parts[0].Type.ShouldBe("text");
        (tree.Parts[1].Type, tree.Parts[1].Subtype).ShouldBe(("message", "delivery-status"));
        return tree.Parts[2];
    }

    [Fact]
    public void Delivered() => IsGolden("notice-delivered.txt", Compose(About("From: sender@far.example\nSubject: hi\n\nnever given back\n") with { EnvelopeId = "QQ 314+159" }));

    [Fact]
    public void Expanded_and_delivered_in_one() => IsGolden("notice-expanded.txt", Compose(About("Subject: hi\n\n", false,
        new NoticeRecipient(Address("team@example.test"), "rfc822;list=all@old.test", Fate.Expanded),
        new NoticeRecipient(Address("Bob+x@example.test"), null, Fate.Delivered),
        new NoticeRecipient(Address("\"a b\"@example.test"), "x400;whatever", Fate.Delivered))));

    [Fact]
    public void Utf8_addresses_and_header() => IsGolden("notice-utf8.txt", Compose(About("Subject: gr\u00c3\u00bc\u00c3\u009fe = hi\n\n", true,
        new NoticeRecipient(Address("b\u00f6b+x@example.test"), "utf-8;b\u00f6b+x@example.test", Fate.Delivered))));

    [Theory]
    [InlineData("Subject: \u00e9\n\n", "text", "rfc822-headers", "quoted-printable", "Subject: =E9")]
    [InlineData("A: b\n--=_0notice--\n\n", "text", "rfc822-headers", "7bit", "A: b\r\n")] // no field: the header ends before it
    [InlineData("A: --=_0notice\n --=_0notice--\n\n", "text", "rfc822-headers", "7bit", "A: --=_0notice\r\n --=_0notice--\r\n")]
    [InlineData("no header at all", "text", "rfc822-headers", "7bit", "Received: x\r\n")]
    [InlineData("", "text", "rfc822-headers", "7bit", "Received: x\r\n")]
    [InlineData("A: b", "text", "rfc822-headers", "quoted-printable", "A: b")]
    [InlineData("A: b\0c\n\n", "text", "rfc822-headers", "quoted-printable", "A: b=00c")]
    public void Whatever_the_header_holds_the_notice_is_whole(string header, string type, string subtype, string encoding, string holds)
    {
        var text = Compose(About(header));
        var part = WellFormed(text);
        (part.Type, part.Subtype, part.Encoding).ShouldBe((type, subtype, encoding));
        text[(int)part.BodyStart..(int)part.End].ShouldContain(holds);
        text.ShouldNotContain("no header at all");
        Ascii.IsValid(text).ShouldBeTrue();
    }

    [Fact]
    public void A_bare_CR_or_a_long_line_is_encoded()
    {
        WellFormed(Compose(About("A: " + new string('x', 2000) + "\n\n"))).Encoding.ShouldBe("quoted-printable");
        var bare = About("") with { Returned = new ReturnedMessage(default, "A: b\rc\r\n\r\n"u8.ToArray(), false) };
        WellFormed(Compose(bare)).Encoding.ShouldBe("quoted-printable");
    }

    [Fact]
    public void A_large_header_is_cut_between_fields()
    {
        var text = Compose(About(string.Concat(Enumerable.Range(0, 3000).Select(i => $"X-Field-{i:0000}: {new string('x', 80)}\n")) + "\n"));
        text.Length.ShouldBeInRange(ReturnedPart.MostHeader - 200, ReturnedPart.MostHeader + 2000);
        WellFormed(text);
        text.Split("\r\n").Where(l => l.StartsWith("X-Field", StringComparison.Ordinal)).ShouldAllBe(l => l.Length == 94);
    }

    [Fact]
    public void CRLF_in_headers_we_emit()
    {
        const string evil = "x\r\nX-Evil: 1\r\n\r\n--=_0notice--\0";
        var text = Compose(About("", false, new NoticeRecipient(new EmailAddress(evil, "example.test"), "rfc822;" + evil, Fate.Delivered)) with { EnvelopeId = evil, To = new EmailAddress(evil, "far.example") });
        text.ShouldNotContain("\r\nX-Evil");
        WellFormed(text);
    }

    [Fact]
    public void An_original_recipient_too_long_for_a_line_is_left_out()
    {
        var text = Compose(About("", false, new NoticeRecipient(Address("bob@example.test"), "utf-8;" + new string('\u00e9', 240), Fate.Delivered)));
        text.ShouldNotContain("Original-Recipient");
        WellFormed(text);
    }

    [Fact]
    public void A_reverse_path_in_UTF_8_stands_in_To_as_it_is() =>
        Compose(About("") with { To = Address("s\u00e9nder@far.example") }).ShouldContain("\r\nTo: <s\u00e9nder@far.example>\r\n");
}
