using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class HandoverTests
{
    static EmailAddress Address(string text) => EmailAddress.TryParse(text).ShouldNotBeNull();

    [Fact]
    public async Task Fresh_mail_with_a_place_goes_without_being_claimed()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        (await rig.AcceptAsync("bob@far.example", "eve@far.example", "joe@near.example")).Leased.ShouldBe(3);
        await rig.SettleAsync();
        rig.Agent.Attempts.Select(a => (a.Destination, a.To.Length)).ShouldBe([("far.example", 2), ("near.example", 1)], ignoreOrder: true);
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered && r.Attempts == 1);
    }

    [Fact]
    public async Task Fresh_mail_that_failed_has_its_first_attempt_counted()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AcceptAsync("bob@far.example");
        await rig.SettleAsync();
        (rig.Row("bob@far.example").Attempts, rig.Row("bob@far.example").Due).ShouldBe((1, SchedulerRig.Start.AddMinutes(15)));
    }

    [Fact]
    public async Task To_an_unknown_destination_only_as_many_as_it_has_places()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromSeconds(1) };
        var leased = 0;
        for (var i = 0; i < 20; i++) leased += (await rig.AcceptAsync($"u{i}@far.example")).Leased;
        leased.ShouldBe(5);
        await rig.AdvanceAsync(TimeSpan.FromSeconds(10));
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        rig.Agent.Attempts.Count.ShouldBe(20);
        // One that has shown that it works: some wait in memory, claimed, so that they need no second commit.
        leased = 0;
        for (var i = 0; i < 20; i++) leased += (await rig.AcceptAsync($"v{i}@far.example")).Leased;
        leased.ShouldBe(20);
        await rig.AdvanceAsync(TimeSpan.FromSeconds(20));
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        rig.Agent.MostActive["far.example"].ShouldBeLessThanOrEqualTo(20);
    }

    [Fact]
    public async Task No_place_while_the_destination_is_dead()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Down;
        for (var i = 0; i < 4; i++) await rig.AddAsync($"u{i}@far.example");
        await rig.SettleAsync();
        rig.Handover.Reserve([Address("bob@far.example")], null).ShouldBeNull();
    }

    [Fact]
    public async Task Places_that_are_given_up_are_free_again()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        for (var round = 0; round < 100; round++)
        {
            var places = rig.Handover.Reserve([Address("bob@far.example")], null);
            places.ShouldNotBeNull().Now.ShouldBe([true]);
            rig.Handover.Abandon(places);
            rig.Handover.Abandon(places);
        }
        (await rig.AcceptAsync("bob@far.example")).Leased.ShouldBe(1);
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Bouncing_by_hand_tells_the_sender()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example", "eve@near.example");
        await rig.SettleAsync();
        var given = await rig.Queue.BounceAsync(new QueueFilter(Domain: "far.example"), "given up by the postmaster", SchedulerRig.Ct);
        given.Select(r => r.Address).ShouldBe(["bob@far.example"]);
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Failed);
        rig.Row("eve@near.example").State.ShouldBe(RecipientState.Due);
        rig.Told.ShouldHaveSingleItem().Address.ShouldBe("bob@far.example");
    }

    [Fact]
    public async Task Another_way_by_hand_is_taken_also_by_what_waits_in_memory()
    {
        await using var rig = await SchedulerRig.OpenAsync(SchedulerRig.Plain with { ConcurrencyStart = 1, ConcurrencyMost = 1 });
        rig.Agent.Script = j => j.Destination == "far.example" ? Answer.Taken with { Takes = TimeSpan.FromMinutes(1) } : Answer.Taken;
        await rig.AddAsync("one@far.example");
        await rig.SettleAsync();
        await rig.AddAsync("two@far.example");
        await rig.SettleAsync();
        await rig.Store.WriteAsync(u => u.Queue.Reroute(new QueueFilter(Address: "two@far.example"), "smtp:relay.example:25", 10));
        await rig.AdvanceAsync(TimeSpan.FromMinutes(2));
        rig.Agent.Attempts.Select(a => a.Destination).ShouldBe(["far.example", "smtp:relay.example:25"]);
    }
}
