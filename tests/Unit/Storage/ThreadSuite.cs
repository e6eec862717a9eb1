using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Threads, on both engines. Links are numbers here: what they are made of is Posthorn.Mime's matter.</summary>
public abstract class ThreadSuite : StoreSuite
{
    static async Task<long> PutAsync(StoreRig rig, long account, long mailbox, params long[] links)
    {
        await using var blob = rig.Store.NewBlob();
        blob.Write("x"u8);
        return await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(account, mailbox, StoreRig.Message(u.Store(blob), default) with { Links = links }).MessageId);
    }

    static long Thread(StoreRig rig, long message) => rig.Store.Read(u => u.Threads.Of(message))!.Value;

    [Fact]
    public async Task Answers_join_the_thread_of_what_they_answer_in_whatever_order_they_come()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var (bob, other) = await rig.AddAccountAsync("bob");
        var alone = await PutAsync(rig, alice, inbox);
        var root = await PutAsync(rig, alice, inbox, 1);
        var answer = await PutAsync(rig, alice, inbox, 2, 1);
        var deep = await PutAsync(rig, alice, inbox, 4, 3, 2, 1); // 3 is missing
        var late = await PutAsync(rig, alice, inbox, 3);
        var another = await PutAsync(rig, alice, inbox, 5, 99);
        var sibling = await PutAsync(rig, alice, inbox, 6, 99); // of one that never came
        var others = await PutAsync(rig, bob, other, 2, 1);
        Thread(rig, alone).ShouldBe(alone);
        new[] { root, answer, deep, late }.ShouldAllBe(m => Thread(rig, m) == root);
        (Thread(rig, another), Thread(rig, sibling)).ShouldBe((another, another));
        Thread(rig, others).ShouldBe(others); // another account, another matter
        rig.Store.Read(u => u.Threads.Messages(root)).Order().ShouldBe([root, answer, deep, late]);
        rig.Store.Read(u => u.Threads.Messages(alone)).ShouldBe([alone]);
        rig.Store.Read(u => u.Threads.Messages(answer)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_thread_outlives_the_message_that_began_it_and_is_forgotten_with_the_last()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var root = await PutAsync(rig, alice, inbox, 1);
        var answer = await PutAsync(rig, alice, inbox, 2, 1);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [1], "imap"));
        rig.Store.Read(u => u.Threads.Of(root)).ShouldBeNull();
        rig.Store.Read(u => u.Threads.Loose(10)).ShouldBeEmpty(); // the answer has named both
        var copy = await rig.Store.WriteAsync(u => u.Mailboxes.Copy(alice, inbox, inbox, [2]));
        Thread(rig, copy[0].To.MessageId).ShouldBe(root);
        rig.Store.Read(u => u.Threads.Messages(root)).Order().ShouldBe([answer, copy[0].To.MessageId]);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [2, 3], "imap"));
        var loose = rig.Store.Read(u => u.Threads.Loose(1)).ShouldHaveSingleItem();
        await rig.Store.WriteAsync(u => { u.Threads.Forget([loose]); return 0; });
        loose = rig.Store.Read(u => u.Threads.Loose(10)).ShouldHaveSingleItem();
        var again = await PutAsync(rig, alice, inbox, loose.Link); // comes between the look and the deed
        await rig.Store.WriteAsync(u => { u.Threads.Forget([loose]); return 0; });
        Thread(rig, await PutAsync(rig, alice, inbox, 7, loose.Link)).ShouldBe(Thread(rig, again));
        await rig.Store.WriteAsync(u => { u.Directory.RemoveAccount(alice); return 0; });
        rig.Store.Read(u => u.Threads.Loose(10)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Mail_of_before_has_no_thread_until_it_is_given_one()
    {
        await using var rig = await OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var old = await PutAsync(rig, alice, inbox);
        var older = await PutAsync(rig, alice, inbox);
        rig.Store.Read(u => u.Threads.Unknown(alice)).ShouldBe((0, 0));
        // As the migration leaves it.
        await rig.Store.WriteAsync(u => { u.Session.RunScript($"UPDATE accounts SET thread_next = id * 1099511627776, thread_end = {older + 1}"); return 0; });
        var fresh = await PutAsync(rig, alice, inbox, 3, 2, 1);
        rig.Store.Read(u => u.Threads.Unfinished()).ShouldBe([(alice, MessageIds.First(alice))]);
        rig.Store.Read(u => u.Threads.Unknown(alice)).ShouldBe((MessageIds.First(alice), older + 1));
        await rig.Store.WriteAsync(u =>
        {
            u.Threads.Thread(alice, old, [1]);
            u.Threads.Thread(alice, older, [2, 1]);
            u.Threads.SetUnknown(alice, older + 1);
            return 0;
        });
        rig.Store.Read(u => u.Threads.Unknown(alice)).ShouldBe((0, 0));
        new[] { old, older, fresh }.ShouldAllBe(m => Thread(rig, m) == fresh); // it was told of first, and keeps what it was told
        rig.Store.Read(u => u.Threads.Messages(fresh)).Order().ShouldBe([old, older, fresh]);
    }
}
