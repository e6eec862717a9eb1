using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>What an administrator asks and does.</summary>
public abstract partial class QueueSuite
{
    [Fact]
    public async Task Hold_release_reroute_retry_and_drop()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("a@x.test", "b@x.test", "c@y.test");
        var x = new QueueFilter(Domain: "x.test");
        (await q.Store.WriteAsync(u => u.Queue.Hold(x, 1))).ShouldHaveSingleItem().State.ShouldBe(RecipientState.Held);
        (await q.Store.WriteAsync(u => u.Queue.Hold(x, 10))).Count.ShouldBe(1);
        (await q.Store.WriteAsync(u => u.Queue.Hold(x, 10))).ShouldBeEmpty();
        q.Waiting().ShouldHaveSingleItem().Domain.ShouldBe("y.test");

        (await q.Store.WriteAsync(u => u.Queue.Reroute(new(), "smtp:relay.test", 10))).Select(r => (r.Via, r.State)).ShouldBe(
            [("smtp:relay.test", RecipientState.Held), ("smtp:relay.test", RecipientState.Held), ("smtp:relay.test", RecipientState.Due)], ignoreOrder: true);
        (await q.Store.WriteAsync(u => u.Queue.Reroute(new(), "smtp:relay.test", 10))).ShouldBeEmpty();
        (await q.Store.WriteAsync(u => u.Queue.Reroute(new(Via: "smtp:*", Domain: "y*"), null, 10))).ShouldHaveSingleItem().Via.ShouldBeNull();
        q.Waiting().ShouldHaveSingleItem().Via.ShouldBeNull();

        (await q.Store.WriteAsync(u => u.Queue.Release(new(), 10))).Select(r => r.State).ShouldBe([RecipientState.Due, RecipientState.Due]);
        q.Waiting().Select(w => w.Via).ShouldBe([null, "smtp:relay.test", "smtp:relay.test"], ignoreOrder: true);
        (await q.ClaimAllAsync()).Count(c => c.Via == "smtp:relay.test").ShouldBe(2);
        foreach (var claimed in q.Store.Read(u => u.Queue.LeasedOf(q.List(new())[0].MessageId, "one/1")))
            await q.Store.WriteAsync(u => u.Queue.Defer(claimed, q.Now.AddHours(2), "450", false));

        q.Waiting(fresh: false).ShouldBeEmpty();
        (await q.Store.WriteAsync(u => u.Queue.Retry(new(Address: "C@y.TEST"), 10))).ShouldHaveSingleItem().Due.ShouldBeLessThanOrEqualTo(q.Now);
        q.Waiting(fresh: false).ShouldHaveSingleItem().Address.ShouldBe("c@y.test");
        (await q.Store.WriteAsync(u => u.Queue.Retry(new(), 10))).Count.ShouldBe(2);
        (await q.Store.WriteAsync(u => u.Queue.Retry(new(), 10))).ShouldBeEmpty();

        (await q.Store.WriteAsync(u => u.Queue.Drop(new(), 2))).Select(r => (r.State, r.Finished is not null)).ShouldBe([(RecipientState.Dropped, true), (RecipientState.Dropped, true)]);
        q.Bodies().ShouldBe(1);
        (await q.Store.WriteAsync(u => u.Queue.Drop(new(), 10))).Count.ShouldBe(1);
        q.Bodies().ShouldBe(0);
    }

    [Fact]
    public async Task What_is_to_bounce_is_claimed_whether_it_waits_or_is_held()
    {
        await using var q = await QueueAsync();
        await q.AddAsync("", null, [new("a@x.test", "a", null, null), new("b@x.test", "b", null, null, RecipientState.Held)]);
        var claimed = await q.Store.WriteAsync(u => u.Queue.ClaimToBounce(new(Sender: ""), q.Lease(), 10));
        claimed.Select(c => (c.Address, c.Attempts, c.Generation)).ShouldBe([("a@x.test", 1, 1L), ("b@x.test", 1, 1L)]);
        foreach (var one in claimed)
            (await q.Store.WriteAsync(u => u.Queue.Fail(one, "given up by hand"))).ShouldBeTrue();
        q.Bodies().ShouldBe(0);
    }

    [Fact]
    public async Task Filters()
    {
        await using var q = await QueueAsync();
        var old = q.Now.AddDays(-2);
        var trace = q.Store.NewTraceId();
        await q.AddAsync("Boss@Example.test", null, [new("a_b@x.test", "a", null, null), new("axb@sub.x.test", "b", null, null, RecipientState.Held)], trace: trace);
        await q.AddAsync("", null, [new("100%@y.test", "c", null, null, Via: "lmtp:unix:/x"), new(@"q\z@y.test", "d", null, null)], received: old);
        await q.AddAsync("*@w.test", q.Lease(), [new("e@z.test", "e", null, null, RecipientState.Leased)]);
        var leased = q.List(new(State: RecipientState.Leased)).Single();
        await q.Store.WriteAsync(u => u.Queue.Deliver(u.Queue.LeasedOf(leased.MessageId, "one/1")[0], "250"));

        string Of(QueueFilter filter) => string.Join(' ', q.List(filter).Select(r => r.Address.Split('@')[0]));
        Of(new()).ShouldBe(@"a_b axb 100% q\z");
        Of(new(Open: null)).ShouldBe(@"a_b axb 100% q\z e");
        Of(new(Open: false)).ShouldBe("e");
        Of(new(State: RecipientState.Delivered)).ShouldBe("e");
        Of(new(State: RecipientState.Held)).ShouldBe("axb");
        Of(new(Trace: trace)).ShouldBe("a_b axb");
        Of(new(Trace: trace, Recipient: leased.Id)).ShouldBe("");
        Of(new(Recipient: leased.Id, Open: null)).ShouldBe("e");
        Of(new(Sender: "")).ShouldBe(@"100% q\z");
        Of(new(Sender: "boss@EXAMPLE.test")).ShouldBe("a_b axb");
        Of(new(Sender: "*@example.test")).ShouldBe("a_b axb");
        Of(new(Sender: "boss@example.test", Open: null)).ShouldBe("a_b axb");
        Of(new(Sender: "?oss@example.test")).ShouldBe("");
        Of(new(Address: "a_b@*")).ShouldBe("a_b");
        Of(new(Address: "100%*")).ShouldBe("100%");
        Of(new(Address: "%")).ShouldBe("");
        Of(new(Address: @"Q\Z@y.test")).ShouldBe(@"q\z");
        Of(new(Domain: "X.test")).ShouldBe("a_b");
        Of(new(Domain: "*.x.test")).ShouldBe("axb");
        Of(new(Domain: "*x.test")).ShouldBe("a_b axb");
        Of(new(Domain: "x.tes_")).ShouldBe("");
        Of(new(Via: "lmtp:*")).ShouldBe("100%");
        Of(new(Via: "")).ShouldBe(@"a_b axb q\z");
        Of(new(OlderThan: q.Now.AddDays(-1))).ShouldBe(@"100% q\z");
        Of(new(OlderThan: q.Now.AddDays(-1), Domain: "y.test", Sender: "", Via: "", State: RecipientState.Due)).ShouldBe(@"q\z");

        // In pages.
        var first = q.Store.Read(u => u.Queue.List(new(), 0, 3));
        q.Store.Read(u => u.Queue.List(new(), first[^1].Id, 3)).ShouldHaveSingleItem().Address.ShouldBe(@"q\z@y.test");
        Should.Throw<ArgumentException>(() => Of(new(Address: new string('*', 9))));
        Should.Throw<ArgumentException>(() => Of(new(Sender: new string('a', 1001))));
    }

    [Fact]
    public async Task Ages_are_counted_by_domain()
    {
        await using var q = await QueueAsync();
        var now = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
        var minutes = new[] { -1, 0, 4, 5, 9, 10, 20, 40, 80, 160, 320, 640, 1279, 1280, 99999 };
        foreach (var age in minutes)
            await q.AddAsync("", null, [new("a@much.test", "a", null, null), new("b@much.test", "a", null, null, RecipientState.Held)], now.AddMinutes(-age));
        await q.AddAsync("", q.Lease(), [new("c@little.test", "c", null, null, RecipientState.Leased)], now);
        await q.AddAsync("", null, [new("c@least.test", "c", null, null)], now);
        await q.Store.WriteAsync(u => u.Queue.Drop(new(Domain: "least.test"), 1));
        var ages = q.Store.Read(u => u.Queue.Ages(now, 10));
        ages.Select(a => (a.Domain, a.Total)).ShouldBe([("much.test", 30L), ("little.test", 1L)]);
        ages[0].Ages.ShouldBe([6, 4, 2, 2, 2, 2, 2, 2, 4, 4]);
        ages[1].Ages.ShouldBe([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        q.Store.Read(u => u.Queue.Ages(now, 1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Finished_messages_are_forgotten_in_time()
    {
        await using var q = await QueueAsync();
        var first = await q.AddAsync("a@x.test", "b@x.test");
        await q.AddAsync("c@x.test");
        await q.AddAsync("d@x.test");
        foreach (var address in new[] { "a@x.test", "c@x.test", "d@x.test" })
            await q.Store.WriteAsync(u => u.Queue.Drop(new(Address: address), 9));
        (await q.Store.WriteAsync(u => u.Queue.Forget(q.Now.AddHours(-1), 9))).ShouldBe(0);
        (await q.Store.WriteAsync(u => u.Queue.Forget(q.Now.AddHours(1), 1))).ShouldBe(1);
        (await q.Store.WriteAsync(u => u.Queue.Forget(q.Now.AddHours(1), 9))).ShouldBe(1);
        (await q.Store.WriteAsync(u => u.Queue.Forget(q.Now.AddHours(1), 9))).ShouldBe(0);
        q.List(new(Open: null)).Select(r => r.Address).ShouldBe(["a@x.test", "b@x.test"]);
        q.Store.Read(u => u.Queue.Message(first)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Stories_are_found_by_address_and_by_message_id()
    {
        await using var q = await QueueAsync();
        var traces = Enumerable.Range(0, 6).Select(_ => q.Store.NewTraceId()).ToList();
        await q.Store.WriteAsync(u =>
        {
            u.Events.Add(traces[0], EventKind.Received, 0, """{"from":"Ann@x.test","messageId":"<1.a%b@x.test>"}""");
            u.Events.Add(traces[0], EventKind.Filed, 1, """{"mailbox":"INBOX","uid":1,"to":"bob@example.test"}""");
            u.Events.Add(traces[1], EventKind.Received, 0, """{"from":"joann@x.test","messageId":"<1.aab@x.test>"}""");
            u.Events.Add(traces[2], EventKind.Received, 0, """{"from":"<>","to":"\"o\\\"dd\"@x.test"}""");
            return 0;
        });
        await q.AddAsync("ann@x.test", null, [new("bob@far.test", "Bob@example.test", null, null)], trace: traces[3]);
        await q.AddAsync("ann@x.test", null, [new("bob@far.test", "list@example.test", null, null)], trace: traces[4]);
        await q.Store.WriteAsync(u => u.Queue.Drop(new(Trace: traces[4]), 1));
        IReadOnlyList<TraceId> Found(string what, int most = 10) => q.Store.Read(u => u.Queue.Traces(what, most));
        Found("ann@X.test").ShouldBe([traces[3], traces[0]]);
        Found("bob@example.test").ShouldBe([traces[3], traces[0]]);
        Found("bob@example.test", 1).ShouldBe([traces[3]]);
        Found("bob@far.test").ShouldBe([traces[4], traces[3]]);
        Found("<1.a%b@x.test>").ShouldBe([traces[0]]);
        Found("1.a%b@x.test").ShouldBe([traces[0]]);
        Found("\"o\\\"dd\"@x.test").ShouldBe([traces[2]]);
        foreach (var nothing in new[] { "", "<>", "x.test", "%", "1.a_b@x.test", "nobody@x.test", new string('x', 100_000) })
            Found(nothing).ShouldBeEmpty();
    }
}
