using System.Text;
using Posthorn.Tests.Testing.Time;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Outbound;
using Posthorn.Mime.Structure;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>Who is told what about queued mail (RFC 3461, RFC 3464, RFC 5321 §6.1).</summary>
public class NoticeMakerTests
{
    const string Letter = "From: alice@example.test\nTo: x@far.example\nMessage-ID: <letter-1@example.test>\nSubject: hi\n\nthe text\n";
    static readonly DateTimeOffset Arrived = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero), Now = Arrived.AddHours(5);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static ToldRecipient Failed(string address, string? notify = null, string reply = "550 5.1.1 no such user", string enhanced = "5.1.1", string? relay = "mx1.far.example[192.0.2.1]:25", bool fromPeer = true, string? original = null, string? orcpt = null) =>
        new(Result(address, AttemptStatus.Failed, enhanced, reply, relay, fromPeer, notify, original, orcpt), NoticeReason.Failed, default, false);

    static ToldRecipient Expired(string address) =>
        new(Result(address, AttemptStatus.Deferred, "4.4.1", "connection refused", null, false, null), NoticeReason.Failed, default, true);

    static ToldRecipient Delayed(string address, string? notify = null) =>
        new(Result(address, AttemptStatus.Deferred, "4.4.1", "connection refused", null, false, notify), NoticeReason.Delayed, Arrived.AddDays(5), false);

    static ToldRecipient Delivered(string address, string? notify, bool dsn = false, string? relay = "mx1.far.example[192.0.2.1]:25") =>
        new(Result(address, AttemptStatus.Delivered, "2.0.0", "250 ok", relay, true, notify, dsn: dsn), NoticeReason.Delivered, default, false);

    static RecipientResult Result(string address, AttemptStatus status, string enhanced, string reply, string? relay, bool fromPeer, string? notify, string? original = null, string? orcpt = null, bool dsn = false) =>
        new(new LeasedRecipient(1, 1, address, original ?? address, notify, orcpt, 1, "owner", 1, null, null), status, enhanced, reply, fromPeer, relay, null, null, dsn);

    static async Task<QueuedMessage> MessageAsync(Rig rig, string from = "alice@example.test", string text = Letter, SenderTrust trust = SenderTrust.Proven, string? ret = null, string? envid = null, bool utf8 = false)
    {
        await using var blob = rig.Store.NewBlob();
        blob.Write(Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\r\n")));
        var body = await rig.Store.WriteAsync(u => u.Store(blob), Ct);
        return new QueuedMessage(1, rig.Store.NewTraceId(), from, body, "Received: from x\r\n"u8.ToArray(), 0, "8BITMIME", utf8, ret, envid, body.Length, Arrived, trust);
    }

    static NoticeMaker Maker(Rig rig) => new(rig.Store, rig.Directory, new DeliveryOptions { Hostname = "mail.example.test" }, new FakeTimeProvider(Now), rig.Log);

    /// <summary>Makes and files the notice; false when nobody is to be told.</summary>
    static async Task<bool> TellAsync(Rig rig, QueuedMessage message, params ToldRecipient[] told)
    {
        await using var filing = await Maker(rig).MakeAsync(message, told, Ct);
        if (filing is null) return false;
        await rig.Store.WriteAsync(filing.Run, Ct);
        return true;
    }

    static async Task<string> NoticeAsync(Rig rig, QueuedMessage message, params ToldRecipient[] told)
    {
        (await TellAsync(rig, message, told)).ShouldBeTrue();
        var (_, body, row) = rig.Read("alice").ShouldHaveSingleItem();
        PartTree.Decode(row.Structure).Parts.Count.ShouldBe(3);
        return body;
    }

    [Fact]
    public async Task A_failure_in_the_words_of_the_other_server()
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig, envid: "QQ1");
        var body = await NoticeAsync(rig, message, Failed("x@far.example", orcpt: "rfc822;x@far.example"));
        var id = rig.Read("alice")[0].Row.Trace;
        Golden.Is("notice-failed.txt", body.Replace(message.Trace.ToString(), "0message").Replace(id.ToString(), "0notice"));
        rig.Story(message.Trace.ToString()).Select(e => (e.Kind, e.Detail)).ShouldBe([(EventKind.Notified, $"{{\"to\":\"alice@example.test\",\"notice\":\"{id}\"}}")]);
    }

    [Fact]
    public async Task Several_fates_in_one_notice()
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig);
        var body = await NoticeAsync(rig, message, Delivered("d@far.example", "SUCCESS"), Delayed("l@late.example"), Failed("x@far.example"), Failed("y@far.example"), Expired("z@dead.example"),
            Failed("full@far.example", reply: "552 5.2.2 over quota", enhanced: "5.2.2"));
        var id = rig.Read("alice")[0].Row.Trace;
        Golden.Is("notice-several.txt", body.Replace(message.Trace.ToString(), "0message").Replace(id.ToString(), "0notice"));
    }

    [Theory]
    [InlineData(null, true, true, false)]
    [InlineData("NEVER", false, false, false)]
    [InlineData("FAILURE", true, false, false)]
    [InlineData("DELAY", false, true, false)]
    [InlineData("SUCCESS", false, false, true)]
    [InlineData("SUCCESS,FAILURE,DELAY", true, true, true)]
    public async Task What_NOTIFY_asks_for(string? notify, bool failure, bool delay, bool success)
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig);
        (await TellAsync(rig, message, Failed("x@far.example", notify))).ShouldBe(failure);
        (await TellAsync(rig, message, Delayed("x@far.example", notify))).ShouldBe(delay);
        (await TellAsync(rig, message, Delivered("x@far.example", notify))).ShouldBe(success);
        (await TellAsync(rig, message, Delivered("x@far.example", notify, dsn: true))).ShouldBeFalse();
    }

    [Theory]
    [InlineData(SenderTrust.Proven, true, true, true)]
    [InlineData(SenderTrust.Unproven, true, false, false)]
    [InlineData(SenderTrust.Failed, false, false, false)]
    public async Task What_a_sender_is_told_as_far_as_he_is_believed(SenderTrust trust, bool failure, bool delay, bool success)
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig, trust: trust);
        (await TellAsync(rig, message, Failed("x@far.example"))).ShouldBe(failure);
        (await TellAsync(rig, message, Delayed("x@far.example"))).ShouldBe(delay);
        (await TellAsync(rig, message, Delivered("x@far.example", "SUCCESS"))).ShouldBe(success);
    }

    [Fact]
    public async Task Only_those_who_are_to_be_told_of_stand_in_it()
    {
        await using var rig = await Rig.OpenAsync();
        var body = await NoticeAsync(rig, await MessageAsync(rig), Failed("x@far.example", "NEVER"), Failed("y@far.example"));
        body.ShouldContain("y@far.example");
        body.ShouldNotContain("<x@far.example>");
        body.ShouldNotContain("Final-Recipient: rfc822; x@far.example");
    }

    [Theory]
    [InlineData("NEVER")]
    [InlineData(null)]
    public async Task A_bounce_that_cannot_be_delivered_is_told_to_the_postmaster(string? notify)
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig, from: "", ret: "FULL");
        (await TellAsync(rig, message, Delayed("sender@far.example", notify))).ShouldBeFalse();
        (await TellAsync(rig, message, Delivered("sender@far.example", "SUCCESS"))).ShouldBeFalse();
        (await TellAsync(rig, message, Failed("sender@far.example", notify))).ShouldBeTrue();
        var body = rig.Read("bob").ShouldHaveSingleItem().Body;
        body.ShouldContain("To: <postmaster@mail.example.test>\r\nSubject: A message without a sender could not be delivered\r\n");
        body.Replace("\r\n", " ").ShouldContain("there is nobody else to tell");
        rig.Read("alice").ShouldBeEmpty();
    }

    [Fact]
    public async Task Nobody_is_told_of_a_double_bounce_that_is_lost()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.Store.WriteAsync(u =>
        {
            u.Directory.AddAlias("postmaster@example.test", ["boss@far.example"]);
            return 0;
        }, Ct);
        (await TellAsync(rig, await MessageAsync(rig, from: ""), Failed("sender@far.example", "NEVER"))).ShouldBeTrue();
        var queued = rig.Queued().ShouldHaveSingleItem();
        queued.Address.ShouldBe("boss@far.example");
        (await TellAsync(rig, await MessageAsync(rig, from: "", trust: SenderTrust.Failed), Failed("boss@far.example", "NEVER"))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_foreign_sender_gets_it_by_the_queue()
    {
        await using var rig = await Rig.OpenAsync();
        (await TellAsync(rig, await MessageAsync(rig, from: "sender@far.example"), Failed("x@gone.example"))).ShouldBeTrue();
        var queued = rig.Queued().ShouldHaveSingleItem();
        (queued.Address, queued.ReversePath, queued.State).ShouldBe(("sender@far.example", "", RecipientState.Due));
        rig.QueuedNotify()["sender@far.example"].ShouldBe("NEVER");
    }

    [Fact]
    public async Task A_sender_who_is_nobody_here_gets_none()
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig, from: "nobody@example.test");
        (await TellAsync(rig, message, Failed("x@far.example"))).ShouldBeFalse();
        rig.Log.Lines.ShouldContain($"message {message.Trace} no notice: <nobody@example.test> is not a mailbox here");
    }

    [Theory]
    [InlineData("FULL", true)]
    [InlineData("HDRS", false)]
    [InlineData(null, false)]
    public async Task RET(string? ret, bool whole)
    {
        await using var rig = await Rig.OpenAsync();
        var body = await NoticeAsync(rig, await MessageAsync(rig, ret: ret), Failed("x@far.example"));
        body.Contains("the text").ShouldBe(whole);
        body.ShouldContain(whole ? "Content-Type: message/rfc822\r\n\r\nReceived: from x\r\nFrom: alice" : "Content-Type: text/rfc822-headers\r\n\r\nReceived: from x\r\nFrom: alice");
        body.Replace("\r\n", " ").ShouldContain(whole ? "The message is attached" : "The header of the message is attached");
    }

    [Fact]
    public async Task RET_FULL_is_for_failures_and_for_what_is_not_too_large()
    {
        await using var rig = await Rig.OpenAsync();
        (await NoticeAsync(rig, await MessageAsync(rig, ret: "FULL"), Delayed("x@far.example"))).ShouldNotContain("the text");
        await TellAsync(rig, await MessageAsync(rig, ret: "FULL", text: Letter + string.Concat(Enumerable.Repeat("0123456789\n", 100_000))), Failed("x@far.example"));
        rig.Read("alice")[1].Body.Length.ShouldBeLessThan(4000);
    }

    [Theory]
    [InlineData("gr\u00fc\u00dfe\n", false, "message/rfc822", "8bit", true)]
    [InlineData("a\0b\n", false, "text/rfc822-headers", "7bit", false)]
    [InlineData("no line end", false, "text/rfc822-headers", "7bit", false)]
    public async Task What_comes_back_whole(string text, bool utf8, string type, string encoding, bool eightBit)
    {
        await using var rig = await Rig.OpenAsync();
        await using var filing = (await Maker(rig).MakeAsync(await MessageAsync(rig, ret: "FULL", text: Letter + text, utf8: utf8), [Failed("x@far.example")], Ct)).ShouldNotBeNull();
        filing.EightBit.ShouldBe(eightBit);
        var tree = PartTree.Decode(filing.Structure);
        ($"{tree.Parts[2].Type}/{tree.Parts[2].Subtype}", tree.Parts[2].Encoding).ShouldBe((type, encoding));
        tree.Encoding.ShouldBe(eightBit ? "8bit" : "7bit");
    }

    [Fact]
    public async Task A_message_in_UTF_8_comes_back_whole_in_ASCII()
    {
        await using var rig = await Rig.OpenAsync();
        var body = await NoticeAsync(rig, await MessageAsync(rig, ret: "FULL", text: "Subject: gr\u00fc\u00dfe\n\nTsch\u00fcs\n", utf8: true), Failed("b\u00f6b@far.example", orcpt: "utf-8;b\u00f6b@far.example"));
        Ascii.IsValid(body).ShouldBeTrue();
        body.ShouldContain("Content-Type: message/global\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
        body.ShouldContain("Tsch=C3=BCs");
        body.ShouldContain("Original-Recipient: utf-8; b\\x{F6}b@far.example\r\nFinal-Recipient: utf-8; b\\x{F6}b@far.example\r\n");
    }

    [Fact]
    public async Task Hostile_words_stay_words()
    {
        await using var rig = await Rig.OpenAsync();
        var evil = "550 5.7.1 \r\n--=_boundary\r\nX-Evil: 1\r\n\r\n" + new string('\u00e9', 3000) + " \u2028\0";
        var body = await NoticeAsync(rig, await MessageAsync(rig, text: "Message-ID: <a b\"@x>\nSubject: =?utf-8?q?a?=\n\n"), Failed("x@far.example", reply: evil, enhanced: "5.7.1\r\nX-Evil: 2", relay: "mx\r\nX-Evil: 3[192.0.2.1]:25"));
        body.ShouldNotContain("\nX-Evil");
        body.ShouldNotContain("In-Reply-To");
        body.ShouldContain("Status: 5.0.0\r\n");
        Ascii.IsValid(body).ShouldBeTrue();
        body.Split("\r\n").ShouldAllBe(l => l.Length <= 998);
        body.Replace("\r\n", "").ShouldAllBe(c => !char.IsControl(c));
    }

    [Fact]
    public async Task A_boundary_in_the_message_is_no_boundary()
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig, ret: "FULL", text: Letter + "--=_0\n--=_0--\n");
        await using var filing = (await Maker(rig).MakeAsync(message, [Failed("x@far.example")], Ct)).ShouldNotBeNull();
        PartTree.Decode(filing.Structure).Parts.Count.ShouldBe(3);
        var returned = new ReturnedMessage(default, "A: b\r\n\r\n--=_0\r\n--=_0_--\r\n"u8.ToArray(), false, true);
        var notice = new NoticeComposer("h.test").Compose(new Notice { Id = "0", MessageId = "1", To = new("a", "b.test"), Arrived = Now, Now = Now, Recipients = [new(new("c", "d.test"), null, Fate.Delivered)], Returned = returned });
        PartTree.Read(notice.Octets.Span).Parts.Count.ShouldBe(3);
        Encoding.ASCII.GetString(notice.Octets.Span).ShouldContain("boundary=\"=_0__\"");
    }

    [Fact]
    public async Task Where_an_address_leads_is_not_told_to_a_sender()
    {
        await using var rig = await Rig.OpenAsync();
        var body = await NoticeAsync(rig, await MessageAsync(rig), Failed("secret@far.example", original: "away@example.test", reply: "550 5.1.1 <Secret@far.example> unknown"));
        body.ShouldNotContain("secret", Case.Insensitive);
        body.ShouldContain("Final-Recipient: rfc822; away@example.test\r\n");
        body.ShouldContain("Diagnostic-Code: smtp; 550 5.1.1 <away@example.test> unknown\r\n");
        body.ShouldContain("is there, but passes mail on");
        body.ShouldNotContain("Check the spelling");
        await TellAsync(rig, await MessageAsync(rig, from: ""), Failed("secret@far.example", original: "away@example.test"));
        rig.Read("bob").ShouldHaveSingleItem().Body.ShouldContain("Final-Recipient: rfc822; secret@far.example\r\n");
    }

    [Theory]
    [InlineData("/var/mail/x", "delivered", "2.1.5")]
    [InlineData("unix:/run/lmtp", "delivered", "2.1.5")]
    [InlineData(null, "delivered", "2.1.5")]
    [InlineData("mx.far.example[192.0.2.1]:25", "relayed", "2.1.9")]
    public async Task Success(string? relay, string action, string status)
    {
        await using var rig = await Rig.OpenAsync();
        (await NoticeAsync(rig, await MessageAsync(rig), Delivered("x@far.example", "SUCCESS", relay: relay))).ShouldContain($"Action: {action}\r\nStatus: {status}\r\n");
    }

    [Theory]
    [InlineData("5.1.1", "does not exist there")]
    [InlineData("5.2.2", "mailbox is full")]
    [InlineData("5.7.26", "by its rules")]
    [InlineData("5.3.4", "larger than")]
    [InlineData("5.1.10", "takes no mail at all")]
    [InlineData("5.4.6", "in a circle")]
    [InlineData("5.9.9", "did not take it")]
    [InlineData("5.0.0", "did not take it")]
    [InlineData("nonsense", "did not take it")]
    [InlineData("", "did not take it")]
    public void What_a_code_means(string status, string words) => StatusWords.Of(status).ShouldContain(words);

    [Theory]
    [InlineData("mx1.far.example[192.0.2.1]:25", "mx1.far.example")]
    [InlineData("mx1.far.example:25", "mx1.far.example")]
    [InlineData("[2001:db8::1]:25", "[2001:db8::1]")]
    [InlineData("mx1.far.example", "mx1.far.example")]
    [InlineData("/var/mail/x", null)]
    [InlineData("unix:/run/lmtp", null)]
    [InlineData("[", null)]
    [InlineData("", null)]
    public void The_host_of_a_relay(string relay, string? host) => QueueFates.HostOf(relay).ShouldBe(host);

    [Fact]
    public async Task A_body_that_cannot_be_read_does_not_keep_the_sender_in_the_dark()
    {
        await using var rig = await Rig.OpenAsync();
        var message = await MessageAsync(rig);
        message = message with { Blob = message.Blob with { Hash = new byte[32] } };
        (await NoticeAsync(rig, message, Failed("x@far.example"))).ShouldContain("text/rfc822-headers\r\n\r\nReceived: from x\r\n\r\n--");
    }
}
