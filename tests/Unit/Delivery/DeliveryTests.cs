using System.Text;
using Posthorn.Mime.Structure;
using Posthorn.Smtp.Server;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery;

public class DeliveryTests
{
    [Fact]
    public async Task A_message_is_filed_with_its_prefix_structure_and_story()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync("bob@example.test", "Subject: hi\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b--\n");
        sent.Last.ShouldBe("250 2.0.0");
        sent.Data.ShouldHaveSingleItem().Lines.ShouldBe(["Ok: " + sent.Id]);
        var (prefix, body, row) = rig.Read("bob").ShouldHaveSingleItem();
        prefix.ShouldBe("Return-Path: <sender@far.example>\r\nDelivered-To: bob@example.test\r\nReceived: from client.far.example (unknown [192.0.2.7])\r\n" +
                        $"\tby mail.example.test with ESMTP id {sent.Id}\r\n\tfor <bob@example.test>; Sat, 21 Nov 2026 08:05:09 +0000\r\n");
        body.ShouldBe("Subject: hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n");
        PartTree.Decode(row.Structure).Parts.ShouldHaveSingleItem().Type.ShouldBe("text");
        StoredStructure.TryTexts(row.Structure, out var envelope, out var structure).ShouldBeTrue();
        Encoding.UTF8.GetString(envelope).ShouldBe("(NIL \"hi\" NIL NIL NIL NIL NIL NIL NIL NIL)");
        Encoding.UTF8.GetString(structure).ShouldStartWith("((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 1 NIL NIL NIL NIL) \"mixed\" ");
        row.Trace.ToString().ShouldBe(sent.Id);
        var story = rig.Story(sent.Id);
        story.Select(e => e.Kind).ShouldBe([EventKind.Received, EventKind.Filed]);
        story[0].Detail.ShouldBe("{\"from\":\"sender@far.example\",\"client\":\"192.0.2.7\",\"helo\":\"client.far.example\",\"with\":\"ESMTP\",\"session\":\"s1\",\"recipients\":1,\"size\":" + Encoding.UTF8.GetByteCount(body) + "}");
        story[1].Detail.ShouldBe("{\"mailbox\":\"INBOX\",\"uid\":1,\"to\":\"bob@example.test\"}");
        story[1].AccountId.ShouldBe(rig.Id("bob"));
        rig.Log.Lines.ShouldContain($"message {sent.Id} accepted: from=<sender@far.example> nrcpt=1 size={body.Length} client=192.0.2.7 helo=client.far.example tls= auth=");
        rig.Log.Lines.ShouldContain($"message {sent.Id} to=<bob@example.test> filed in INBOX uid=1");
    }

    [Fact]
    public async Task An_alias_to_several_files_one_stored_body_in_each()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(Rig.Stranger(), Rig.From(""), ["team@example.test", "alice@example.test", "sales@example.test", "bob@old.test"], "A: b\n\nx\n")).Last.ShouldBe("250 2.0.0");
        var alice = rig.Read("alice").ShouldHaveSingleItem();
        var bob = rig.Read("bob").ShouldHaveSingleItem();
        alice.Row.Blob.BlobId.ShouldBe(bob.Row.Blob.BlobId);
        alice.Prefix.ShouldContain("Delivered-To: alice@example.test\r\n");
        alice.Prefix.ShouldStartWith("Return-Path: <>\r\n");
        alice.Prefix.ShouldNotContain("for <");
    }

    [Fact]
    public async Task Tags_go_into_the_folder_of_that_name_in_any_case()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync(Rig.Stranger(), Rig.From(""), ["alice+wORK@example.test", "alice+Work@old.test", "alice+none@example.test", "alice+inbox@example.test"], "A: b\n\nx\n")).Last.ShouldBe("250 2.0.0");
        rig.Read("alice", "Work").Count.ShouldBe(1);
        rig.Read("alice").Count.ShouldBe(1);
    }

    [Fact]
    public async Task Return_Path_of_the_message_goes_at_final_delivery()
    {
        await using var rig = await Rig.OpenAsync();
        var big = new string('x', 300_000) + "\n";
        var message = "Return-Path: <evil@far.example>\nSubject: a\nRETURN-PATH :\n <b@c>\nTo: b\n\nReturn-Path: stays\n" + big;
        (await rig.SendAsync("bob@example.test", message)).Last.ShouldBe("250 2.0.0");
        var (prefix, body, row) = rig.Read("bob").ShouldHaveSingleItem();
        (prefix + body).Split("\r\n\r\n")[0].Split("Return-Path:").Length.ShouldBe(2);
        body.ShouldBe("Subject: a\r\nTo: b\r\n\r\nReturn-Path: stays\r\n" + big.ReplaceLineEndings("\r\n"));
        PartTree.Decode(row.Structure).End.ShouldBe(body.Length);
    }

    [Theory]
    [InlineData(49, "250 2.0.0")]
    [InlineData(50, "554 5.4.6")]
    public async Task Loops_back_scatter(int hops, string reply)
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync("bob@example.test", string.Concat(Enumerable.Repeat("Received: from a by b; now\n", hops)) + "\n")).Last.ShouldBe(reply);
    }

    [Fact]
    public async Task MIME_recursion_size_headers_over_their_limit_are_refused()
    {
        await using var rig = await Rig.OpenAsync();
        (await rig.SendAsync("bob@example.test", string.Concat(Enumerable.Repeat("A: b\n", 2001)) + "\n")).Last.ShouldBe("552 5.3.4");
        (await rig.SendAsync("bob@example.test", "A: " + new string('x', 140_000) + "\n\n")).Last.ShouldBe("552 5.3.4");
        (await rig.SendAsync("bob@example.test", string.Concat(Enumerable.Repeat("A: " + new string('x', 50_000) + "\n", 22)) + "\n")).Last.ShouldBe("552 5.3.4");
        (await rig.SendAsync("bob@example.test", string.Concat(Enumerable.Repeat("A: " + new string('x', 50_000) + "\n", 20)) + "\n")).Last.ShouldBe("250 2.0.0");
        rig.Read("bob").Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(false, RecipientState.Due, EventKind.Queued)]
    [InlineData(true, RecipientState.Held, EventKind.Held)]
    public async Task Foreign_destinations_are_queued_or_held(bool hold, RecipientState state, EventKind kind)
    {
        await using var rig = await Rig.OpenAsync(hold);
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["x@far.example", "bob@example.test", "X@FAR.example", "away@example.test"], "From: alice@example.test\n\nx\n");
        sent.Last.ShouldBe("250 2.0.0");
        rig.Queued().Select(q => (q.Address, q.State, q.ReversePath)).ShouldBe([("x@far.example", state, "alice@example.test"), ("friend@far.example", state, "alice@example.test")], ignoreOrder: true);
        rig.Read("bob").Count.ShouldBe(1);
        rig.Story(sent.Id).Count(e => e.Kind == kind).ShouldBe(2);
        rig.Story(sent.Id)[0].Kind.ShouldBe(EventKind.Received);
        rig.Story(sent.Id)[0].Detail.ShouldContain("\"login\":\"alice@example.test\",\"mechanism\":\"PLAIN\",\"credential\":\"password\"");
    }

    [Fact]
    public async Task Submission_adds_Date_and_Message_ID_when_they_are_missing()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["bob@example.test"], "From: alice@example.test\n\nx\n");
        rig.Read("bob")[0].Prefix.ShouldEndWith($"Date: Sat, 21 Nov 2026 08:05:09 +0000\r\nMessage-ID: <{sent.Id}@mail.example.test>\r\n");
        await rig.SendAsync("bob@example.test", "From: alice@example.test\n\nx\n");
        rig.Read("bob")[1].Prefix.ShouldNotContain("Message-ID");
    }

    [Fact]
    public async Task Verbose_says_what_was_done_for_each_recipient()
    {
        await using var rig = await Rig.OpenAsync(hold: true);
        var sent = await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["away@example.test", "alice+work@example.test"], "From: alice@example.test\n\nx\n", verbose: true);
        sent.Data.ShouldHaveSingleItem().Lines.ShouldBe(["<away@example.test>: filed in INBOX of bob@example.test, held for friend@far.example", "<alice+work@example.test>: filed in Work of alice@example.test", "Ok: " + sent.Id]);
    }

    [Fact]
    public async Task Verbose_lines_are_reply_lines_however_many_destinations_there_are()
    {
        await using var rig = await Rig.OpenAsync(hold: true);
        var members = Enumerable.Range(0, 40).Select(i => $"m{i:00}-{new string('é', 20)}@far.example").ToArray();
        await rig.Store.WriteAsync(u => u.Directory.AddAlias("list@example.test", members));
        rig.Directory.Reload();
        var lines = (await rig.SendAsync(rig.Login("alice"), Rig.From("alice@example.test"), ["list@example.test"], "From: alice@example.test\n\nx\n", verbose: true)).Data.ShouldHaveSingleItem().Lines;
        lines[..^1].ShouldAllBe(l => l.StartsWith("<list@example.test>: held for m") && Encoding.UTF8.GetByteCount(l) <= 480);
        members.ShouldAllBe(m => lines.Any(l => l.Contains("held for " + m)));
    }

    [Fact]
    public async Task The_story_says_which_recipient_led_to_the_mailbox()
    {
        await using var rig = await Rig.OpenAsync();
        var sent = await rig.SendAsync(Rig.Stranger(), Rig.From(""), ["sales@example.test", "alice+work@example.test", "bob@old.test"], "A: b\n\n");
        rig.Story(sent.Id).Where(e => e.Kind == EventKind.Filed).Select(e => e.Detail).ShouldBe([
            """{"mailbox":"INBOX","uid":1,"to":"sales@example.test"}""",
            """{"mailbox":"Work","uid":1,"to":"alice+work@example.test"}""",
            """{"mailbox":"INBOX","uid":1,"to":"bob@old.test"}""",
        ]);
    }

    [Fact]
    public async Task Large_messages_come_back_octet_for_octet()
    {
        await using var rig = await Rig.OpenAsync();
        var text = "Subject: big\n\n" + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"line {i} of a large message\n"));
        (await rig.SendAsync("bob@example.test", text)).Last.ShouldBe("250 2.0.0");
        var (_, body, row) = rig.Read("bob").ShouldHaveSingleItem();
        body.ShouldBe(text.ReplaceLineEndings("\r\n"));
        PartTree.Decode(row.Structure).Lines.ShouldBe(40_000);
    }

    [Fact]
    public async Task An_aborted_transaction_leaves_nothing()
    {
        await using var rig = await Rig.OpenAsync();
        var (transaction, _) = await rig.Backend.MailAsync(Rig.Stranger(), Rig.From("a@far.example"), TestContext.Current.CancellationToken);
        await using (transaction.ShouldNotBeNull())
        {
            (await transaction.RecipientAsync(Rig.To("bob@example.test"), TestContext.Current.CancellationToken)).Positive.ShouldBeTrue();
            await transaction.WriteAsync("A: b\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }
        rig.Read("bob").ShouldBeEmpty();
        rig.Story(transaction.Id).ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_room_MAIL_is_put_off()
    {
        await using var rig = await Rig.OpenAsync(minimumFree: long.MaxValue / 2);
        (await rig.SendAsync("bob@example.test")).Last.ShouldBe("452 4.3.1");
    }

    [Fact]
    public async Task Vrfy_and_expn_give_real_answers()
    {
        await using var rig = await Rig.OpenAsync();
        var ct = TestContext.Current.CancellationToken;
        var me = rig.Login("alice");
        (await rig.Backend.VerifyAsync(me, "alice", ct)).ShouldBe(["Alice Liddell <alice@example.test>"]);
        (await rig.Backend.VerifyAsync(me, "<bob@old.test>", ct)).ShouldBe(["<bob@example.test>"]);
        (await rig.Backend.VerifyAsync(me, "nobody", ct)).ShouldBeEmpty();
        (await rig.Backend.VerifyAsync(me, "x@far.example", ct)).ShouldBeEmpty();
        (await rig.Backend.ExpandAsync(me, "away@example.test", ct)).ShouldBe(["<bob@example.test>", "<friend@far.example>"]);
        (await rig.Backend.ExpandAsync(me, "alice@example.test", ct)).ShouldBeEmpty();
    }
}
