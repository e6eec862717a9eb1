using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Storage.Verify;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Rows that cannot be: they stop no scan, harm no other row, and are named.</summary>
public class QueueDamageTests
{
    [Fact]
    public async Task Poison_rows_stop_nothing_and_are_named()
    {
        await using var q = new QueueRig(await StoreRig.OpenAsync());
        q.Rig.ExpectClean = false;
        foreach (var name in new[] { "state", "text", "early", "late", "orphan", "attempts", "blob", "unowned", "untimed", "good", "held" })
            await q.AddAsync("s@x.test", null, [new(name + "@far.test", name, null, null)], body: name);
        var rows = q.List(new()).ToDictionary(r => r.Original);
        await q.Store.WriteAsync(u =>
        {
            foreach (var name in new[] { "unowned", "untimed" })
                u.Queue.Claim([rows[name].Id], q.Lease("node/1"));
            u.Queue.Hold(new QueueFilter(Address: "held@*"), 1);
            u.Session.RunScript($"""
                UPDATE queue_recipients SET state = 99 WHERE original = 'state';
                UPDATE queue_recipients SET due = 'soon', attempts = 0 WHERE original = 'text';
                UPDATE queue_recipients SET due = -300000000000000000 WHERE original = 'early';
                UPDATE queue_recipients SET due = 300000000000000000 WHERE original = 'late';
                DELETE FROM queue_messages WHERE id = {rows["orphan"].MessageId};
                UPDATE queue_recipients SET attempts = 99999999999999, delay_told = 300000000000000000 WHERE original = 'attempts';
                DELETE FROM blobs WHERE id = (SELECT blob_id FROM queue_messages WHERE id = {rows["blob"].MessageId});
                UPDATE queue_recipients SET lease_owner = NULL WHERE original = 'unowned';
                UPDATE queue_recipients SET lease_until = 'never', due = 'never' WHERE original = 'untimed';
                UPDATE queue_recipients SET domain = 'wrong.test' WHERE original = 'held';
                UPDATE queue_messages SET trust = 77, received = 'long ago' WHERE id = {rows["good"].MessageId};
                """);
            return 0;
        });

        q.Waiting().Select(w => w.Address.Split('@')[0]).ShouldBe(["early", "blob", "good"]);
        q.Waiting(most: 1).ShouldHaveSingleItem().Due.ShouldBe(DateTimeOffset.MinValue);
        q.Waiting(fresh: false).ShouldHaveSingleItem().Attempts.ShouldBe(int.MaxValue);
        q.Store.Read(u => u.Queue.WaitingFor("far.test", true, default, q.Now, 10)).Count.ShouldBe(3);
        q.Store.Read(u => u.Queue.NextDue(q.Now)).ShouldBeNull();
        q.List(new(Open: null)).Count.ShouldBe(10);
        q.Store.Read(u => u.Queue.Ages(q.Now, 10)).Sum(a => a.Total).ShouldBe(9);
        q.Store.Read(u => u.Queue.Message(rows["good"].MessageId))!.Trust.ShouldBe(SenderTrust.Unproven);
        var bodiless = q.Store.Read(u => u.Queue.Message(rows["blob"].MessageId)).ShouldNotBeNull();
        Should.Throw<StoreDamageException>(() => q.Store.OpenBlob(bodiless.Blob));

        // Leases without an owner or an end are nobody's, and can be taken back.
        var lost = q.Store.Read(u => u.Queue.Abandoned("elsewhere/1", q.Now, 10));
        lost.Select(a => a.Recipient.Original).ShouldBe(["unowned", "untimed"]);
        foreach (var one in lost)
            (await q.Store.WriteAsync(u => u.Queue.GiveBack(one.Recipient))).ShouldBeTrue();
        foreach (var one in await q.ClaimAllAsync())
            (await q.Store.WriteAsync(u => u.Queue.Deliver(one, "250"))).ShouldBeTrue();
        await q.Store.WriteAsync(u => u.Queue.Forget(DateTimeOffset.MaxValue, 100));
        q.List(new(Open: null)).Select(r => r.Original).ShouldBe(["state", "text", "late", "held"]);
        // By hand, whatever is due when: all but what has no state.
        (await q.Store.WriteAsync(u => u.Queue.Drop(new(), 10))).Count.ShouldBe(3);

        var found = (await q.Rig.VerifyAsync()).Findings.Where(f => f.Kind.StartsWith("queued", StringComparison.Ordinal)).ToList();
        found.ShouldContain(f => f.Name == $"{rows["state"].Id}" && f.Text.Contains("unknown state"));
        found.ShouldContain(f => f.Name == $"{rows["orphan"].Id}" && f.Text.Contains("not there"));
        found.ShouldContain(f => f.Name == $"{rows["late"].Id}" && f.Text.Contains("cannot be"));
        found.ShouldContain(f => f.Name == $"{rows["held"].Id}" && f.Text.Contains("domain"));
    }

    [Fact]
    public async Task A_finished_message_with_an_open_recipient_is_not_forgotten()
    {
        await using var q = new QueueRig(await StoreRig.OpenAsync());
        q.Rig.ExpectClean = false;
        var id = await q.AddAsync("a@x.test");
        await q.Store.WriteAsync(u => { u.Session.RunScript($"UPDATE queue_messages SET finished = 1 WHERE id = {id}"); return 0; });
        (await q.Store.WriteAsync(u => u.Queue.Forget(q.Now, 10))).ShouldBe(0);
        (await q.Rig.VerifyAsync()).Findings.ShouldContain(f => f.Kind == "queued message" && f.Text.Contains("is finished, and 1 of"));
    }

    [Fact]
    public async Task A_recount_puts_the_queue_right()
    {
        await using var q = new QueueRig(await StoreRig.OpenAsync());
        var open = await q.AddAsync("", null, [new("a@x.test", "a", null, null), new("b@x.test", "b", null, null)], body: "one");
        var over = await q.AddAsync("", null, [new("c@x.test", "c", null, null)], body: "two");
        await q.Store.WriteAsync(u =>
        {
            u.Queue.Drop(new(Address: "a@*"), 1);
            u.Session.RunScript($"""
                UPDATE queue_messages SET open = 7, finished = 5 WHERE id = {open};
                UPDATE queue_recipients SET state = 4, finished = 5 WHERE message_id = {over};
                UPDATE queue_recipients SET domain = 'no' WHERE address = 'b@x.test';
                UPDATE blobs SET refs = 9;
                """);
            return 0;
        });
        (await q.Rig.VerifyAsync()).Findings.Count(f => f.Kind.StartsWith("queued", StringComparison.Ordinal)).ShouldBe(5);
        await StoreRecount.RunAsync(q.Store);
        (await q.Rig.VerifyAsync()).Clean.ShouldBeTrue();
        q.Store.Read(u => u.Queue.Message(open)).ShouldNotBeNull();
        q.Store.Read(u => u.Queue.Message(over)).ShouldBeNull();
        q.Bodies().ShouldBe(1);
        q.Store.Read(u => u.Queue.WaitingFor("x.test", true, default, q.Now, 9)).ShouldHaveSingleItem().Address.ShouldBe("b@x.test");
    }
}
