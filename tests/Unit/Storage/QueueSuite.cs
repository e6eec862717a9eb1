using System.Text;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>The queue's rows, on both engines: scans, leases, results.</summary>
public abstract partial class QueueSuite : StoreSuite
{
    private protected async Task<QueueRig> QueueAsync() => new(await OpenAsync());

    [Fact]
    public async Task What_is_queued_is_found_in_the_order_of_its_time()
    {
        await using var q = await QueueAsync();
        var start = q.Now.AddHours(-1);
        for (var i = 0; i < 10; i++)
            await q.AddAsync("s@example.test", null, [new($"u{i}@{(i % 2 == 0 ? "Even" : "odd")}.Test", "x", null, null)], start.AddMinutes(i % 3));
        var all = q.Waiting();
        all.Select(w => w.Address[1] - '0').ShouldBe([0, 3, 6, 9, 1, 4, 7, 2, 5, 8]);
        all[0].ShouldSatisfyAllConditions(w => w.Domain.ShouldBe("even.test"), w => w.ReversePath.ShouldBe("s@example.test"), w => w.Attempts.ShouldBe(0), w => w.Via.ShouldBeNull(),
            w => w.Due.ShouldBe(new(start.Ticks / 10 * 10, TimeSpan.Zero)));

        // In pages, also within one time.
        var (pages, after) = (new List<long>(), default(QueuePosition));
        while (q.Store.Read(u => u.Queue.Waiting(true, after, q.Now, 2)) is { Count: > 0 } page)
        {
            pages.AddRange(page.Select(w => w.Id));
            after = new(page[^1].Due, page[^1].Id);
        }
        pages.ShouldBe(all.Select(w => w.Id));

        q.Store.Read(u => u.Queue.Waiting(true, default, start.AddMinutes(1), 100)).Count.ShouldBe(7);
        q.Store.Read(u => u.Queue.WaitingFor("EVEN.test", true, default, q.Now, 100)).Select(w => w.Address[1] - '0').ShouldBe([0, 6, 4, 2, 8]);
        q.Store.Read(u => u.Queue.WaitingFor("even.test", false, default, q.Now, 100)).ShouldBeEmpty();
        q.Waiting(fresh: false).ShouldBeEmpty();
        q.Store.Read(u => u.Queue.NextDue(default)).ShouldBe(all[0].Due);
        q.Store.Read(u => u.Queue.NextDue(all[0].Due)).ShouldBe(all[4].Due);
        q.Store.Read(u => u.Queue.NextDue(all[9].Due)).ShouldBeNull();
    }

    [Fact]
    public async Task Born_leased_it_needs_no_claim()
    {
        await using var q = await QueueAsync();
        var lease = q.Lease("node/3");
        var id = await q.AddAsync("s@example.test", lease, [
            new("a@far.test", "A", "NEVER", "rfc822;a", RecipientState.Leased, "smtp:relay.test"), new("b@far.test", "b", null, null, RecipientState.Held),
            new("c@far.test", "c", null, null), new("d@far.test", "d", null, null, RecipientState.Leased)]);
        var leased = q.Store.Read(u => u.Queue.LeasedOf(id, "node/3"));
        leased.Select(r => (r.Address, r.Attempts, r.Owner, r.Generation, r.Via)).ShouldBe([("a@far.test", 1, "node/3", 1L, "smtp:relay.test"), ("d@far.test", 1, "node/3", 1L, null)]);
        leased[0].ShouldSatisfyAllConditions(r => r.MessageId.ShouldBe(id), r => r.Original.ShouldBe("A"), r => r.Notify.ShouldBe("NEVER"), r => r.OriginalRecipient.ShouldBe("rfc822;a"), r => r.DelayTold.ShouldBeNull());
        q.Store.Read(u => u.Queue.LeasedOf(id, "node/4")).ShouldBeEmpty();
        q.Waiting().ShouldHaveSingleItem().Address.ShouldBe("c@far.test");
        q.Row(leased[0].Id).Due.ShouldBe(new(lease.Until.Ticks / 10 * 10, TimeSpan.Zero));

        (await q.Store.WriteAsync(u => u.Queue.Deliver(leased[0], "250 ok"))).ShouldBeTrue();
        (await q.Store.WriteAsync(u => u.Queue.Defer(leased[1], lease.RetryAt, "451 later", false))).ShouldBeTrue();
        q.Waiting(fresh: false).ShouldBeEmpty();
        q.Waiting(fresh: false, ahead: TimeSpan.FromHours(1)).ShouldHaveSingleItem().Attempts.ShouldBe(1);
        q.Row(leased[0].Id).ShouldSatisfyAllConditions(r => r.State.ShouldBe(RecipientState.Delivered), r => r.LastReply.ShouldBe("250 ok"), r => r.Finished.ShouldNotBeNull());
    }

    [Fact]
    public async Task Only_what_can_be_is_queued()
    {
        await using var q = await QueueAsync();
        await Should.ThrowAsync<ArgumentException>(() => q.AddAsync());
        await Should.ThrowAsync<ArgumentException>(() => q.AddAsync("", null, [new("a@b.test", "a", null, null, RecipientState.Leased)]));
        await Should.ThrowAsync<ArgumentException>(() => q.AddAsync("", q.Lease(), [new("a@b.test", "a", null, null, RecipientState.Delivered)]));
        q.Store.Read(u => u.Queue.Count()).ShouldBe((0L, 0L));
        q.Bodies().ShouldBe(0);
    }

    [Fact]
    public async Task The_message_is_there_until_its_last_recipient_ends()
    {
        await using var q = await QueueAsync();
        var id = await q.AddAsync("a@x.test", "b@x.test", "c@y.test", "d@y.test");
        var message = q.Store.Read(u => u.Queue.Message(id)).ShouldNotBeNull();
        message.ShouldSatisfyAllConditions(m => m.Id.ShouldBe(id), m => m.ReversePath.ShouldBe("sender@example.test"), m => m.Sender.ShouldBe(7), m => m.Body.ShouldBe("8BITMIME"),
            m => m.SmtpUtf8.ShouldBeTrue(), m => m.Return.ShouldBe("FULL"), m => m.EnvelopeId.ShouldBe("env"), m => m.Size.ShouldBe(10), m => m.Trust.ShouldBe(SenderTrust.Proven),
            m => Encoding.ASCII.GetString(m.Prefix).ShouldBe("P: q\r\n"));
        q.Rig.Body(message.Blob).ShouldBe("body"u8.ToArray());
        var claimed = await q.ClaimAllAsync();
        await q.Store.WriteAsync(u => u.Queue.Deliver(claimed[0], "250"));
        await q.Store.WriteAsync(u => u.Queue.Fail(claimed[1], "550"));
        await q.Store.WriteAsync(u => u.Queue.Hold(claimed[2], "held"));
        await q.Store.WriteAsync(u => u.Queue.Defer(claimed[3], q.Now, "450", false));
        q.Store.Read(u => u.Queue.Count()).ShouldBe((1L, 2L));
        (await q.Store.WriteAsync(u => u.Queue.Drop(new QueueFilter(State: RecipientState.Held), 10))).Count.ShouldBe(1);
        q.Store.Read(u => u.Queue.Message(id)).ShouldNotBeNull();
        q.Bodies().ShouldBe(1);
        var last = await q.ClaimAllAsync();
        await q.Store.WriteAsync(u => u.Queue.Deliver(last.ShouldHaveSingleItem(), "250"));
        q.Store.Read(u => u.Queue.Message(id)).ShouldBeNull();
        q.Store.Read(u => u.Queue.Count()).ShouldBe((0L, 0L));
        q.Bodies().ShouldBe(0);
        q.List(new QueueFilter(Open: false)).Select(r => r.State).ShouldBe([RecipientState.Delivered, RecipientState.Failed, RecipientState.Dropped, RecipientState.Delivered]);
    }

    [Fact]
    public async Task A_claim_counts_the_attempt_and_a_deferral_says_when()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test");
        var id = q.Waiting().Single().Id;
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var claimed = (await q.ClaimAsync(id)).ShouldHaveSingleItem();
            (claimed.Attempts, claimed.Generation, claimed.DelayTold is null).ShouldBe((attempt, attempt, attempt < 3));
            (await q.ClaimAsync(id)).ShouldBeEmpty();
            (await q.Store.WriteAsync(u => u.Queue.Defer(claimed, q.Now, "450 not yet", delayTold: attempt == 2))).ShouldBeTrue();
            q.Waiting().ShouldBeEmpty();
            q.Waiting(fresh: false).ShouldHaveSingleItem().Attempts.ShouldBe(attempt);
            q.Row(id).LastReply.ShouldBe("450 not yet");
        }
        (await q.ClaimAsync(id, 4711)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_claim_given_back_is_as_if_it_had_not_been()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test");
        var claimed = await q.ClaimAllAsync();
        q.Waiting().ShouldBeEmpty();
        (await q.Store.WriteAsync(u => u.Queue.GiveBack(claimed[0]))).ShouldBeTrue();
        q.Waiting().ShouldHaveSingleItem().Attempts.ShouldBe(0);
        // The former claim is worth nothing any more, also to the same owner.
        var again = await q.ClaimAllAsync();
        again[0].Generation.ShouldBe(2);
        (await q.Store.WriteAsync(u => u.Queue.Deliver(claimed[0], "250"))).ShouldBeFalse();
        (await q.Store.WriteAsync(u => u.Queue.Deliver(again[0], "250"))).ShouldBeTrue();
    }
}
