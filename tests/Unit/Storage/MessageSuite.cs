using System.Text;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public abstract class MessageSuite : StoreSuite
{
    [Fact]
    public async Task A_delivered_message_is_read_back_whole()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var first = await rig.DeliverAsync(alice, inbox, "Subject: one\r\n\r\nbody\r\n");
        var second = await rig.DeliverAsync(alice, inbox, "", prefix: "");
        (first.Uid, second.Uid).ShouldBe((1u, 2u));
        second.ModSeq.ShouldBeGreaterThan(first.ModSeq);
        await rig.ReopenAsync();
        var drop = rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox));
        drop.Select(e => (e.Uid, e.Size)).ShouldBe([(1u, 47L), (2u, 0L)]);
        var message = rig.Load(alice, drop[0].MessageId);
        Encoding.ASCII.GetString(message.Prefix).ShouldBe("Return-Path: <a@b.test>\r\n");
        Encoding.ASCII.GetString(rig.Body(message.Blob)).ShouldBe("Subject: one\r\n\r\nbody\r\n");
        message.Received.ShouldBe(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var story = rig.Store.Read(u => u.Events.Of(message.Trace)).ShouldHaveSingleItem();
        (story.Kind, story.AccountId, story.Detail).ShouldBe((EventKind.Filed, alice, """{"mailbox":"INBOX","uid":1}"""));
        (rig.Account(alice).Used, rig.Account(alice).Messages).ShouldBe((47L, 2L));
        rig.Mailbox(alice, inbox).ShouldSatisfyAllConditions(
            m => m.Messages.ShouldBe(2), m => m.Unseen.ShouldBe(2), m => m.Size.ShouldBe(47), m => m.UidNext.ShouldBe(3u), m => m.HighestModSeq.ShouldBe(second.ModSeq));
    }

    [Fact]
    public async Task A_body_is_stored_once()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, other) = await rig.AddAccountAsync("bob");
        await using var blob = rig.Store.NewBlob();
        blob.Write("same"u8);
        var both = await rig.Store.WriteAsync(u =>
        {
            var stored = u.Store(blob);
            return (u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(stored, default)), u.Mailboxes.Deliver(bob, other, StoreRig.Message(stored, default)));
        });
        var again = await rig.DeliverAsync(bob, other, "same");
        rig.Store.Read(u => u.Blobs.After(0)).ShouldHaveSingleItem().References.ShouldBe(3);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [both.Item1.Uid], "pop3"));
        rig.Body(rig.Load(bob, again.MessageId).Blob).ShouldBe("same"u8.ToArray());
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(bob, other, [1, 2], "pop3"));
        rig.Store.Read(u => u.Blobs.After(0)).ShouldBeEmpty();
    }

    [Fact]
    public async Task INBOX_is_found_while_filing_and_the_story_says_for_whom()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await using var blob = rig.Store.NewBlob();
        blob.Write("x"u8);
        var trace = rig.Store.NewTraceId();
        var filed = await rig.Store.WriteAsync(u => u.Mailboxes.DeliverToInbox(alice, StoreRig.Message(u.Store(blob), trace) with { For = "a\"+b@example.test" }));
        rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox)).ShouldHaveSingleItem().MessageId.ShouldBe(filed.MessageId);
        rig.Store.Read(u => u.Events.Of(trace)).ShouldHaveSingleItem().Detail.ShouldBe("""{"mailbox":"INBOX","uid":1,"to":"a\"+b@example.test"}""");
        await rig.Store.WriteAsync(u => u.Mailboxes.RenameMailbox(alice, inbox, "Old"));
        (await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Mailboxes.DeliverToInbox(alice, StoreRig.Message(u.Store(blob), trace)))))
            .Message.ShouldBe($"account {alice} has no INBOX any more");
        await rig.Store.WriteAsync(u => u.Mailboxes.RenameMailbox(alice, inbox, "inbox"));
    }

    [Fact]
    public async Task What_a_unit_stores_and_does_not_use_is_let_go()
    {
        await using var rig = await OpenAsync();
        await using var blob = rig.Store.NewBlob();
        blob.Write("nobody wants it"u8);
        var stored = await rig.Store.WriteAsync(u => u.Store(blob));
        rig.Store.Read(u => u.Blobs.After(0)).ShouldBeEmpty();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(stored, default))));
        rig.Account(alice).Used.ShouldBe(0);
    }

    [Fact]
    public async Task Accounts_see_only_their_own()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, _) = await rig.AddAccountAsync("bob");
        var filed = await rig.DeliverAsync(alice, inbox, "private");
        rig.Store.Read(u => u.Mailboxes.Load(bob, [filed.MessageId])).ShouldBeEmpty();
        rig.Store.Read(u => u.Mailboxes.Maildrop(bob, inbox)).ShouldBeEmpty();
        rig.Store.Read(u => u.Mailboxes.Placements(bob, inbox)).ShouldBeEmpty();
        rig.Store.Read(u => u.Mailboxes.Get(bob, inbox)).ShouldBeNull();
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(bob, inbox, [1], "imap")));
        await Should.ThrowAsync<StoreException>(async () => await rig.DeliverAsync(bob, inbox, "not there"));
        rig.Account(bob).Used.ShouldBe(0);
    }

    [Fact]
    public async Task Flags_are_one_set_for_all_places()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var archive = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Archive", MailboxRole.Archive))).Id;
        await rig.DeliverAsync(alice, inbox, "x");
        await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, archive, [1]));
        var changed = await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, archive, [1, 7], MessageFlags.Seen, MessageFlags.None, ["$Later", "blue"]));
        changed.ShouldBe([1u]);
        (await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], MessageFlags.Seen, MessageFlags.None, ["BLUE"]))).ShouldBeEmpty();
        foreach (var mailbox in new[] { inbox, archive })
        {
            var place = rig.Store.Read(u => u.Mailboxes.Placements(alice, mailbox)).ShouldHaveSingleItem();
            (place.Flags, place.Keywords).ShouldBe((MessageFlags.Seen, "$Later blue"));
            rig.Mailbox(alice, mailbox).Unseen.ShouldBe(0);
        }
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], MessageFlags.None, MessageFlags.Seen, null, ["blue", "$LATER"]));
        rig.Store.Read(u => u.Mailboxes.Placements(alice, archive))[0].Keywords.ShouldBeNull();
        rig.Mailbox(alice, archive).Unseen.ShouldBe(1);
        // One message, counted once.
        rig.Account(alice).Messages.ShouldBe(1);
    }

    [Fact]
    public async Task Copies_into_the_same_mailbox_are_messages_of_their_own()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, "twice", prefix: "");
        var copy = (await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, inbox, [1]))).ShouldHaveSingleItem();
        copy.To.Uid.ShouldBe(2u);
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).Select(p => p.MessageId).Distinct().Count().ShouldBe(2);
        (rig.Account(alice).Used, rig.Account(alice).Messages).ShouldBe((10L, 2L));
        rig.Body(rig.Load(alice, copy.To.MessageId).Blob).ShouldBe("twice"u8.ToArray());
    }

    [Fact]
    public async Task Moving_keeps_the_message_and_gives_a_new_uid()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var trash = (await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Trash", MailboxRole.Trash))).Id;
        var filed = await rig.DeliverAsync(alice, inbox, "m");
        var moved = (await rig.Store.WriteAsync(u => u.Mailboxes.Move(alice, inbox, trash, [1, 2], "imap"))).ShouldHaveSingleItem();
        (moved.From, moved.To.MessageId, moved.To.Uid).ShouldBe((1u, filed.MessageId, 1u));
        rig.Mailbox(alice, inbox).Messages.ShouldBe(0);
        rig.Store.Read(u => u.Mailboxes.VanishedSince(alice, inbox, 0)).ShouldBe([1u]);
        var same = (await rig.Store.WriteAsync(u => u.Mailboxes.Move(alice, trash, trash, [1], "imap"))).ShouldHaveSingleItem();
        (same.To.MessageId, same.To.Uid).ShouldBe((filed.MessageId, 2u));
    }

    [Fact]
    public async Task Mailbox_names_and_uidvalidity()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        rig.Store.Read(u => u.Mailboxes.Find(alice, "inBox")!.Id).ShouldBe(inbox);
        var first = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Ä/✉"));
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Ä/✉")));
        await rig.DeliverAsync(alice, first.Id, "gone with it");
        await rig.Store.WriteAsync(u => { u.Mailboxes.DeleteMailbox(alice, first.Id, "imap"); return 0; });
        var second = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Ä/✉"));
        second.UidValidity.ShouldBeGreaterThan(first.UidValidity);
        second.Id.ShouldBeGreaterThan(first.Id);
        var renamed = await rig.Store.WriteAsync(u => u.Mailboxes.RenameMailbox(alice, second.Id, "B"));
        renamed.UidValidity.ShouldBeGreaterThan(second.UidValidity);
        var third = await rig.Store.WriteAsync(u => u.Mailboxes.Create(alice, "Ä/✉"));
        third.UidValidity.ShouldBeGreaterThan(renamed.UidValidity);
        await rig.Store.WriteAsync(u => { u.Mailboxes.Subscribe(alice, third.Id, false); return 0; });
        rig.Mailbox(alice, third.Id).Subscribed.ShouldBeFalse();
        rig.Store.Read(u => u.Mailboxes.List(alice)).Select(m => m.Name).ShouldBe(["B", "INBOX", "Ä/✉"]);
        rig.Account(alice).Used.ShouldBe(0);
    }

    [Fact]
    public async Task Expunging_twice_is_ignored_and_told_in_the_story()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var trace = rig.Store.NewTraceId();
        await using var blob = rig.Store.NewBlob();
        blob.Write("x"u8);
        await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(u.Store(blob), trace)));
        (await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [1, 1, 5], "pop3"))).ShouldBe(1);
        (await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [1], "pop3"))).ShouldBe(0);
        rig.Store.Read(u => u.Events.Of(trace)).Select(e => (e.Kind, e.Detail)).ShouldBe(
            [(EventKind.Filed, """{"mailbox":"INBOX","uid":1}"""), (EventKind.Deleted, """{"protocol":"pop3"}""")]);
    }

    [Fact]
    public async Task The_queue_keeps_rows_and_bodies()
    {
        await using var rig = await OpenAsync();
        await using var blob = rig.Store.NewBlob();
        blob.Write("outbound"u8);
        var trace = rig.Store.NewTraceId();
        var now = new DateTimeOffset(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);
        await rig.Store.WriteAsync(u => u.Queue.Add(new NewQueued(trace, "", u.Store(blob), "P: q\r\n"u8.ToArray(), 0, "8BITMIME", true, null, "env", now,
            [new("x@far.test", "x@far.test", "NEVER", null), new("y@far.test", "Y@far.test", null, "rfc822;y", RecipientState.Held)])));
        rig.Store.Read(u => u.Queue.Count()).ShouldBe((1L, 2L));
        rig.Store.Read(u => u.Queue.List(new QueueFilter(Open: null), 0, 1000)).Select(r => (r.Address, r.State, r.Size, r.Due, r.Trace)).ShouldBe(
            [("x@far.test", RecipientState.Due, 14L, now, trace), ("y@far.test", RecipientState.Held, 14L, now, trace)]);
        rig.Store.Read(u => u.Blobs.After(0)).ShouldHaveSingleItem().References.ShouldBe(1);
    }

    [Fact]
    public async Task Watchers_hear_of_committed_changes_before_the_answer()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, other) = await rig.AddAccountAsync("bob");
        var heard = new List<Change>();
        using var bad = rig.Store.Changes.Subscribe(alice, _ => throw new InvalidOperationException());
        using (rig.Store.Changes.Subscribe(alice, heard.AddRange))
        {
            var filed = await rig.DeliverAsync(alice, inbox, "x");
            await rig.DeliverAsync(bob, other, "y");
            heard.ShouldBe([new Change(alice, filed.ModSeq, ChangeKind.Arrived, inbox, 1, filed.MessageId)]);
        }
        await rig.DeliverAsync(alice, inbox, "z");
        heard.Count.ShouldBe(1);
    }
}
