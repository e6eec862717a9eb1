using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

/// <summary>One destination does not hold up another (promise 9), in the time of the test's clock.</summary>
public class FairnessTests
{
    static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(200);

    /// <summary>The time at which 95 of 100 messages to good domains had been begun.</summary>
    static double P95(SchedulerRig rig) => rig.Agent.Attempts.Where(a => a.Destination.StartsWith("good")).Select(a => (a.At - SchedulerRig.Start).TotalSeconds).Order().ToArray() is var t ? t[(int)(t.Length * 0.95)] : 0;

    static IEnumerable<(string, string[])> Good(int domains, int each) =>
        Enumerable.Range(0, domains * each).Select(i => ("s@example.test", new[] { $"u{i}@good{i % domains}.example" }));

    static async Task<double> RunAsync(IEnumerable<(string, string[])> bad, IEnumerable<(string, string[])> good, int expected)
    {
        await using var rig = await SchedulerRig.OpenAsync(start: false);
        rig.Agent.Script = j => j.Destination[..3] switch
        {
            "tar" => Answer.Later with { Takes = TimeSpan.FromMinutes(5) },
            "ded" => Answer.Down with { Takes = TimeSpan.FromSeconds(30) },
            _ => Answer.Taken with { Takes = Quick },
        };
        var all = bad.Concat(good).ToList();
        foreach (var chunk in all.Chunk(2000)) await rig.AddManyAsync(chunk);
        await rig.Queue.StartAsync();
        for (var n = 0; n < 600 && rig.Agent.Attempts.Count(a => a.Destination.StartsWith("good")) < expected; n++) await rig.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        rig.Agent.Attempts.Count(a => a.Destination.StartsWith("good")).ShouldBe(expected);
        rig.Agent.MostActive.ShouldAllBe(d => d.Value <= 20);
        return P95(rig);
    }

    [Fact]
    public async Task A_tarpit_with_10_000_messages_in_front_of_them_does_not_hold_100_good_domains_up()
    {
        var alone = await RunAsync([], Good(100, 10), 1000);
        var beside = await RunAsync(Enumerable.Range(0, 10_000).Select(i => ("s@example.test", new[] { $"u{i}@tar.example" })), Good(100, 10), 1000);
        beside.ShouldBeLessThanOrEqualTo(alone * 1.2 + 0.001, $"alone {alone} s, beside {beside} s");
    }

    [Fact]
    public async Task Fifty_tarpits_and_fifty_dead_domains_do_not_hold_the_others_up()
    {
        var alone = await RunAsync([], Good(300, 10), 3000);
        var beside = await RunAsync(Enumerable.Range(0, 3000).Select(i => ("s@example.test", new[] { $"u{i}@{(i % 2 == 0 ? "tar" : "ded")}{i / 2 % 50}.example" })), Good(300, 10), 3000);
        beside.ShouldBeLessThanOrEqualTo(alone * 1.2 + 0.001, $"alone {alone} s, beside {beside} s");
    }

    [Fact]
    public async Task A_dead_destination_is_left_alone_and_what_waits_for_it_is_put_off()
    {
        await using var rig = await SchedulerRig.OpenAsync(start: false);
        rig.Agent.Script = _ => Answer.Down with { Takes = TimeSpan.FromSeconds(30) };
        await rig.AddManyAsync([.. Enumerable.Range(0, 1000).Select(i => ("s@example.test", new[] { $"u{i}@ded.example" }))]);
        await rig.Queue.StartAsync();
        await rig.AdvanceAsync(TimeSpan.FromMinutes(3));
        rig.Agent.Attempts.Count.ShouldBeLessThanOrEqualTo(8);
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Due && r.Attempts == 1 && r.Due > rig.Clock.GetUtcNow());
        rig.Rows().Count(r => r.LastReply.StartsWith("not tried now")).ShouldBeGreaterThan(990);
        var state = rig.Queue.Destinations().Single();
        (state.Destination, state.LastTrouble).ShouldBe(("ded.example", "no host answers"));
        state.CooledUntil.ShouldNotBeNull().ShouldBeGreaterThan(rig.Clock.GetUtcNow());
        // It comes back: one probe, then all of them.
        rig.Agent.Script = _ => Answer.Taken with { Takes = Quick };
        await rig.AdvanceAsync(TimeSpan.FromMinutes(16));
        await rig.AdvanceAsync(TimeSpan.FromMinutes(5));
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        rig.Queue.Destinations().ShouldAllBe(d => d.CooledUntil == null);
    }

    [Fact]
    public async Task Flush_forgets_that_a_destination_is_dead()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Down;
        for (var i = 0; i < 4; i++) await rig.AddAsync($"u{i}@ded.example");
        await rig.SettleAsync();
        rig.Queue.Destinations().Single().CooledUntil.ShouldNotBeNull();
        rig.Agent.Script = _ => Answer.Taken;
        await rig.AddAsync("new@ded.example");
        await rig.SettleAsync();
        rig.Row("new@ded.example").State.ShouldBe(RecipientState.Due);
        rig.Queue.Flush();
        await rig.SettleAsync();
        rig.Row("new@ded.example").State.ShouldBe(RecipientState.Delivered);
    }

    [Fact]
    public async Task A_peer_that_asks_for_less_gets_fewer_connections()
    {
        await using var rig = await SchedulerRig.OpenAsync(start: false);
        var active = 0;
        rig.Agent.Script = _ => Interlocked.Increment(ref active) > 100_000 ? Answer.Taken : Answer.Busy with { Takes = Quick };
        await rig.AddManyAsync([.. Enumerable.Range(0, 50).Select(i => ("s@example.test", new[] { $"u{i}@busy.example" }))]);
        await rig.Queue.StartAsync();
        await rig.AdvanceAsync(TimeSpan.FromSeconds(20));
        var state = rig.Queue.Destinations().Single();
        (state.Limit, state.CooledUntil).ShouldBe((1, null));
        rig.Rows().ShouldAllBe(r => r.Attempts == 1);
    }

    [Fact]
    public async Task More_than_the_memory_holds_is_delivered_all_the_same()
    {
        await using var rig = await SchedulerRig.OpenAsync(start: false);
        var mails = Enumerable.Range(0, 3000).Select(i => ("s@example.test", new[] { $"u{i}@one.example" })).ToList();
        foreach (var chunk in mails.Chunk(1000)) await rig.AddManyAsync(chunk);
        await rig.Queue.StartAsync();
        await rig.SettleAsync();
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        rig.Agent.Attempts.Count.ShouldBe(3000);
        // In the order in which they came.
        rig.Agent.Attempts.Select(a => a.Message).Zip(rig.Agent.Attempts.Select(a => a.Message).Order()).Average(p => Math.Abs(p.First - p.Second)).ShouldBeLessThan(40);
    }

    [Fact]
    public async Task A_smart_host_with_thousands_of_domains_gets_all_of_them()
    {
        await using var rig = await SchedulerRig.OpenAsync(start: false);
        rig.Routes = new RouteBook([new Route(1, RouteKind.Default, "", new Transport(TransportKind.Smtp, "relay.example", 25), new(), "default")]);
        foreach (var chunk in Enumerable.Range(0, 3000).Select(i => ("s@example.test", new[] { $"u{i}@d{i}.example" })).Chunk(1000)) await rig.AddManyAsync(chunk);
        await rig.Queue.StartAsync();
        await rig.SettleAsync();
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        rig.Agent.MostActive.ShouldHaveSingleItem().Key.ShouldBe("smtp:relay.example:25");
    }
}
