using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Leases: whose a row is, for how long, and what is left when he dies.</summary>
public abstract partial class QueueSuite
{
    [Fact]
    public async Task Of_two_owners_each_row_goes_to_one()
    {
        await using var q = await QueueAsync();
        for (var i = 0; i < 40; i++)
            await q.AddAsync($"a{i}@x.test", $"b{i}@y.test");
        var ids = q.Waiting().Select(w => w.Id).ToList();
        ids.Count.ShouldBe(80);
        // On PostgreSQL the second is another node with a connection of its own.
        await using var node = q.Rig.Options.Postgres is null ? null
            : await MailStore.OpenAsync(q.Rig.Options with { Directory = Path.Combine(q.Rig.Root, "node") }, q.Rig.Clock, NullLogger.Instance);
        var claims = await Task.WhenAll(Claims(q.Store, ids, "one/1"), Claims(node ?? q.Store, [.. ids.AsEnumerable().Reverse()], "two/1"));
        claims.SelectMany(c => c).Select(c => c.Id).ShouldBe(ids, ignoreOrder: true);
        foreach (var (mine, theirs) in new[] { (claims[0], claims[1]), (claims[1], claims[0]) })
            foreach (var claim in mine)
                (await q.Store.WriteAsync(u => u.Queue.Deliver(claim with { Owner = theirs == claims[1] ? "two/1" : "one/1" }, "250"))).ShouldBeFalse();

        async Task<List<LeasedRecipient>> Claims(MailStore store, List<long> all, string owner)
        {
            var got = new List<LeasedRecipient>();
            foreach (var some in all.Chunk(3))
                got.AddRange(await store.WriteAsync(u => u.Queue.Claim(some, q.Lease(owner))));
            return got;
        }
    }

    [Fact]
    public async Task A_result_without_the_lease_changes_nothing()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test");
        var first = (await q.ClaimAllAsync("one/1")).Single();
        var before = q.Row(first.Id);
        foreach (var wrong in new[] { first with { Owner = "one/2" }, first with { Generation = 2 }, first with { Id = first.Id + 1 } })
        {
            foreach (var result in Results(wrong))
                (await q.Store.WriteAsync(u => result(u.Queue))).ShouldBeFalse();
            (await q.Store.WriteAsync(u => u.Queue.Renew([wrong], q.Now.AddDays(1)))).ShouldBeEmpty();
        }
        q.Row(first.Id).ShouldBe(before);
        (await q.Store.WriteAsync(u => u.Queue.Fail(first, "550"))).ShouldBeTrue();
        foreach (var result in Results(first))
            (await q.Store.WriteAsync(u => result(u.Queue))).ShouldBeFalse();
        q.Row(first.Id).State.ShouldBe(RecipientState.Failed);

        IEnumerable<Func<QueueTables, bool>> Results(LeasedRecipient r) => [
            t => t.Deliver(r, "250"), t => t.Defer(r, q.Now, "450", true), t => t.Fail(r, "550"), t => t.Hold(r, "hold"), t => t.GiveBack(r)];
    }

    [Fact]
    public async Task Nobody_touches_what_somebody_works_on()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test");
        var claimed = (await q.ClaimAllAsync()).Single();
        var before = q.Row(claimed.Id);
        var all = new QueueFilter();
        foreach (var operation in new Func<QueueTables, int>[] { t => t.Retry(all, 9).Count, t => t.Hold(all, 9).Count, t => t.Release(all, 9).Count,
            t => t.Reroute(all, "discard", 9).Count, t => t.Drop(all, 9).Count, t => t.ClaimToBounce(all, q.Lease("two/1"), 9).Count, t => t.Drop(all with { State = RecipientState.Leased }, 9).Count })
            (await q.Store.WriteAsync(u => operation(u.Queue))).ShouldBe(0);
        q.Row(claimed.Id).ShouldBe(before);
    }

    [Fact]
    public async Task A_lease_is_renewed_by_its_owner()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test", "b@x.test");
        var claimed = await q.ClaimAllAsync();
        await q.Store.WriteAsync(u => u.Queue.Deliver(claimed[1], "250"));
        var until = new DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero);
        (await q.Store.WriteAsync(u => u.Queue.Renew(claimed, until))).ShouldBe([claimed[0].Id]);
        q.Row(claimed[0].Id).Due.ShouldBe(until);
    }

    [Fact]
    public async Task The_abandoned_are_found()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("living@x.test", "ended@x.test", "former@x.test", "other@x.test", "dead@x.test", "waiting@x.test");
        var ids = q.Waiting().Select(w => w.Id).ToArray();
        var (retry, soon, past) = (q.Now.AddMinutes(15), q.Now.AddMinutes(5), q.Now.AddMinutes(-1));
        foreach (var (at, owner, until) in new[] { (0, "node/2", soon), (1, "node/2", past), (2, "node/1", soon), (3, "node2/1", soon), (4, "node2/1", past) })
            await q.Store.WriteAsync(u => u.Queue.Claim([ids[at]], new(owner, until, retry)));
        IReadOnlyList<AbandonedRecipient> Found(string owner, int most = 10) => q.Store.Read(u => u.Queue.Abandoned(owner, q.Now, most));
        Found("node/2").Select(a => a.Recipient.Address.Split('@')[0]).ShouldBe(["ended", "former", "dead"]);
        Found("node2/1").Select(a => a.Recipient.Address.Split('@')[0]).ShouldBe(["ended", "dead"]);
        Found("third").Select(a => a.Recipient.Address.Split('@')[0]).ShouldBe(["ended", "dead"]);
        Found("node/2", 1).Count.ShouldBe(1);
        var former = Found("node/2")[1];
        (former.Recipient.Owner, former.Recipient.Generation, former.Trace).ShouldBe(("node/1", 1L, q.Row(ids[2]).Trace));
        (former.RetryAt - retry, former.Until - soon).ShouldSatisfyAllConditions(t => t.Item1.Duration().ShouldBeLessThan(TimeSpan.FromMicroseconds(2)), t => t.Item2.Duration().ShouldBeLessThan(TimeSpan.FromMicroseconds(2)));
        // Whoever found it writes the result of the dead one in his name.
        (await q.Store.WriteAsync(u => u.Queue.Defer(former.Recipient, former.RetryAt, "the server stopped", false))).ShouldBeTrue();
        Found("node/2").Count.ShouldBe(2);
    }
}
