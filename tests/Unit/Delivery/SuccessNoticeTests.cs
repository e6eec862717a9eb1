using System.Text;
using Posthorn.Mime.Structure;
using Posthorn.Smtp.Server;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Posthorn.Storage.Sql;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>NOTIFY=SUCCESS and what comes back (RFC 3461 §5.2).</summary>
public class SuccessNoticeTests
{
    const string Message = "From: alice@example.test\nSubject: hi\n\nsecret body\n";

    static RcptParameters To(string address, string? notify, string? original = null) => Rig.To(address) with { Notify = notify, OriginalRecipient = original };

    static Task<Rig.Result> SubmitAsync(Rig rig, params RcptParameters[] to) => rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), to, Message);

    [Fact]
    public async Task Delivered_to_a_mailbox_here_is_told_to_a_mailbox_here()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test") with { EnvelopeId = "QQ1" }, [To("bob@old.test", "SUCCESS,FAILURE", "rfc822;b@old.test")], Message);
        sent.Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(1);
        var (prefix, body, row) = rig.Read("alice").ShouldHaveSingleItem();
        prefix.ShouldBe("Return-Path: <>\r\nDelivered-To: alice@example.test\r\n");
        body.ShouldContain("\r\nTo: <alice@example.test>\r\nSubject: Your message was delivered\r\n");
        body.ShouldContain($"\r\n\r\nOriginal-Envelope-Id: QQ1\r\nReporting-MTA: dns; mail.example.test\r\nArrival-Date: Sat, 21 Nov 2026 08:05:09 +0000\r\n\r\n" +
            $"Original-Recipient: rfc822; b@old.test\r\nFinal-Recipient: rfc822; bob@old.test\r\nAction: delivered\r\nStatus: 2.1.5\r\nFinal-Log-ID: {sent.Id}\r\n");
        body.ShouldContain($"Message-ID: <{sent.Id}@mail.example.test>\r\nFrom: alice@example.test\r\nSubject: hi\r\n\r\n--"); // the header as it was filed
        body.ShouldNotContain("secret");
        PartTree.Decode(row.Structure).Parts.Count.ShouldBe(3);
        var notice = row.Trace.ToString();
        rig.Story(sent.Id).Select(e => e.Kind).ShouldBe([EventKind.Received, EventKind.Filed, EventKind.Notified]);
        rig.Story(sent.Id)[2].Detail.ShouldBe($"{{\"to\":\"alice@example.test\",\"notice\":\"{notice}\"}}");
        rig.Story(notice).Select(e => e.Kind).ShouldBe([EventKind.Received, EventKind.Filed]);
        rig.Story(notice)[0].Detail.ShouldBe($"{{\"from\":\"<>\",\"about\":\"{sent.Id}\",\"size\":{Encoding.UTF8.GetByteCount(body)}}}");
        rig.Log.Lines.ShouldContain($"message {sent.Id} notice {notice} to=<alice@example.test> filed");
    }

    static SmtpClientInfo Known()
    {
        var client = Rig.Stranger();
        client.Trusted = true;
        return client;
    }

    [Theory]
    [InlineData("alice@example.test")]
    [InlineData("carol@far.example")]
    public async Task A_stranger_cannot_have_notices_sent(string from)
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(Rig.Stranger(), Rig.From(from), [To("bob@example.test", "SUCCESS")], Message);
        sent.Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(1);
        rig.Read("alice").ShouldBeEmpty();
        rig.Queued().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("NEVER")]
    [InlineData("FAILURE,DELAY")]
    public async Task Nothing_that_was_not_asked_for(string? notify)
    {
        await using var rig = await Rig.OpenAsync();
        await SubmitAsync(rig, To("bob@example.test", notify), To("team@example.test", notify));
        rig.Read("bob").Count.ShouldBe(1);
        rig.Read("alice").Count.ShouldBe(1); // as a member of team
        rig.Queued().ShouldBeEmpty();
    }

    [Fact]
    public async Task Never_to_the_null_sender()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(Known(), Rig.From(""), [To("bob@example.test", "SUCCESS")], Message);
        rig.Read("bob").Count.ShouldBe(1);
        rig.Queued().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false, RecipientState.Due, EventKind.Queued)]
    [InlineData(true, RecipientState.Held, EventKind.Held)]
    public async Task To_another_host_it_is_queued(bool hold, RecipientState state, EventKind kind)
    {
        await using var rig = await Rig.OpenAsync(hold);
        var sent = await rig.SendAsync(Known(), Rig.From("sender@far.example"), [To("bob@example.test", "SUCCESS"), To("alice+work@example.test", "SUCCESS"), To("mallory@other.test", null)], Message);
        var queued = rig.Queued().ShouldHaveSingleItem();
        (queued.Address, queued.ReversePath, queued.State).ShouldBe(("sender@far.example", "", state));
        rig.QueuedNotify()["sender@far.example"].ShouldBe("NEVER");
        var notice = queued.Trace.ToString();
        notice.ShouldNotBe(sent.Id);
        rig.Story(notice).Select(e => e.Kind).ShouldBe([EventKind.Received, kind]);
        rig.Story(sent.Id).Count(e => e.Kind == EventKind.Notified).ShouldBe(1);
    }

    [Fact]
    public async Task One_notice_for_all_recipients_of_a_message()
    {
        await using var rig = await Rig.OpenAsync();
        await SubmitAsync(rig, To("bob@example.test", "SUCCESS"), To("mallory@other.test", null), To("bob+x@example.test", "SUCCESS"));
        var body = rig.Read("alice").ShouldHaveSingleItem().Body;
        body.Split("Final-Recipient: rfc822; ").Skip(1).Select(s => s.Split("\r\n")[0]).ShouldBe(["bob@example.test", "bob+x@example.test"]);
    }

    [Fact]
    public async Task An_alias_for_several_is_expanded_and_its_members_are_not_told()
    {
        await using var rig = await Rig.OpenAsync();
        await SubmitAsync(rig, To("away@example.test", "SUCCESS,FAILURE"));
        rig.Read("bob").Count.ShouldBe(1);
        var body = rig.Read("alice").ShouldHaveSingleItem().Body;
        body.ShouldContain("Final-Recipient: rfc822; away@example.test\r\nAction: expanded\r\n");
        body.ShouldNotContain("friend@far.example");
        body.ShouldNotContain("bob@");
        rig.QueuedNotify().ShouldHaveSingleItem().Value.ShouldBe("FAILURE");
    }

    [Fact]
    public async Task A_member_who_is_asked_about_himself_too_keeps_his_wish()
    {
        await using var rig = await Rig.OpenAsync();
        await SubmitAsync(rig, To("away@example.test", "SUCCESS"), To("friend@far.example", "SUCCESS,DELAY"));
        rig.QueuedNotify().ShouldHaveSingleItem().Value.ShouldBe("SUCCESS,DELAY");
    }

    [Fact]
    public async Task An_alias_for_one_is_a_mailbox_like_others()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(rig.Login("bob"), Rig.From("bob@example.test"), [To("sales@example.test", "SUCCESS")], "From: bob@example.test\n\n");
        rig.Read("bob").ShouldHaveSingleItem().Body.ShouldContain("Final-Recipient: rfc822; sales@example.test\r\nAction: delivered\r\n");
    }

    [Fact]
    public async Task A_single_address_elsewhere_takes_the_wish_along()
    {
        await using var rig = await Rig.OpenAsync();
        await SubmitAsync(rig, To("x@far.example", "SUCCESS"));
        rig.Read("alice").ShouldBeEmpty();
        rig.QueuedNotify().ShouldHaveSingleItem().Value.ShouldBe("SUCCESS");
    }

    [Theory]
    [InlineData("nobody@example.test")]
    [InlineData("carol@example.test")]
    public async Task A_reverse_path_that_is_nobody_here_gets_none(string from)
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(Known(), Rig.From(from), [To("bob@example.test", "SUCCESS")], Message);
        sent.Last.ShouldBe("250 2.0.0");
        rig.Queued().ShouldBeEmpty();
        rig.Log.Lines.ShouldContain($"message {sent.Id} no notice: <{from}> is not a mailbox here");
    }

    [Fact]
    public async Task A_full_sender_gets_none()
    {
        await using var rig = await Rig.OpenAsync(aliceQuota: 200);
        var sent = await SubmitAsync(rig, To("bob@example.test", "SUCCESS"));
        rig.Read("alice").ShouldBeEmpty();
        rig.Story(sent.Id).ShouldNotContain(e => e.Kind == EventKind.Notified);
        rig.Log.Lines.ShouldContain(l => l.StartsWith($"message {sent.Id} notice ") && l.EndsWith("to=<alice@example.test> not delivered, the mailbox is full"));
    }

    [Fact]
    public async Task Lmtp_tells_only_of_those_who_were_accepted()
    {
        await using var rig = await Rig.OpenAsync(bobQuota: 100);
        var sent = await rig.SendAsync(Rig.Stranger(SmtpService.Lmtp), Rig.From("mallory@other.test"), [To("bob@example.test", "SUCCESS"), To("alice@example.test", "SUCCESS"), To("alice+work@example.test", "SUCCESS")], Message + new string('x', 200));
        sent.Data.Select(Rig.Show).ShouldBe(["452 4.2.2", "250 2.0.0", "250 2.0.0"]);
        var notices = rig.Read("mallory");
        notices.Count.ShouldBe(2);
        notices.ShouldAllBe(n => !n.Body.Contains("bob@"));
    }

    [Fact]
    public async Task A_refused_message_is_not_told_about()
    {
        await using var rig = await Rig.OpenAsync(bobQuota: 100);
        (await SubmitAsync(rig, To("bob@example.test", "SUCCESS,FAILURE"))).Last.ShouldBe("250 2.0.0");
        var full = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), [To("bob@example.test", "SUCCESS")], Message + new string('x', 200));
        full.Last.ShouldBe("452 4.2.2");
        rig.Read("alice").Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_answer_to_a_notice_reaches_the_postmaster()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync("MAILER-DAEMON@mail.example.test")).Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_notice_for_a_sender_in_UTF_8_says_so()
    {
        await using var rig = await Rig.OpenAsync();
        await rig.SendAsync(Known(), Rig.From("s\u00e9nder@far.example") with { SmtpUtf8 = true }, [To("bob@example.test", "SUCCESS")], Message);
        rig.Store.Read(r => r.Session.Use(new("SELECT body, smtp_utf8 FROM queue_messages")).All(s => (s.Text(0), s.Int64(1)))).ShouldBe([("8BITMIME", 1L)]);
    }
}
