using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

/// <summary>A clock that jumps neither bounces mail nor hammers anybody (promise 10).</summary>
public class ClockTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(24 * 365)]
    public async Task Forward_nothing_is_given_up_before_its_second_attempt(int hours)
    {
        await using var rig = await SchedulerRig.OpenAsync();
        await rig.SettleAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("s@example.test", ["never-tried@far.example"], wake: false);
        rig.Clock.Jump(TimeSpan.FromHours(hours));
        rig.Queue.Wake();
        await rig.SettleAsync();
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Due && r.Attempts == 1);
        rig.Told.ShouldBeEmpty();
        rig.Queue.Wake();
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Forward_what_waits_has_at_most_one_attempt_more()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        rig.Clock.Jump(TimeSpan.FromHours(1));
        rig.Queue.Wake();
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(2);
        rig.Queue.Wake();
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(2);
        rig.Row("bob@far.example").Due.ShouldBe(rig.Clock.GetUtcNow() + TimeSpan.FromMinutes(22.5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24 * 365)]
    public async Task Back_nothing_waits_for_longer_than_it_would_have(int hours)
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        rig.Clock.Jump(-TimeSpan.FromHours(hours));
        rig.Queue.Wake();
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(1);
        await rig.LeapAsync(TimeSpan.FromHours(hours == 1 ? 1.25 : 0.1));
        await SchedulerRig.UntilAsync(() => rig.Agent.Attempts.Count == 2);
        await rig.SettleAsync();
        var row = rig.Row("bob@far.example");
        row.State.ShouldBe(RecipientState.Due);
        row.Due.ShouldBe(rig.Clock.GetUtcNow() + TimeSpan.FromMinutes(22.5));
        rig.Told.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(-24 * 365)]
    [InlineData(24 * 365)]
    public async Task Places_leases_and_cool_downs_do_not_follow_the_wall_clock(int hours)
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromSeconds(20) };
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        rig.Clock.Jump(TimeSpan.FromHours(hours));
        await rig.AddAsync("eve@far.example");
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(2);
    }

    /// <summary>Looking at the store rests in proportion to what it took; a clock that jumped meanwhile makes an hour of it.</summary>
    [Fact]
    public async Task A_look_that_seems_to_have_taken_an_hour_holds_up_neither_what_falls_due_nor_what_is_new()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        var dispatcher = rig.Queue.Running.ShouldNotBeNull().Dispatcher;
        dispatcher.Looked(null, TimeSpan.FromHours(1));
        dispatcher.Idle().ShouldBe(TimeSpan.FromMinutes(15));
        rig.Clock.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromMilliseconds(100));
        await rig.SettleAsync();
        dispatcher.Looked(null, TimeSpan.FromHours(1));
        rig.Clock.Advance(TimeSpan.FromMilliseconds(100));
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(2);
        dispatcher.Looked(null, TimeSpan.FromHours(1));
        await rig.AddAsync("eve@near.example");
        await rig.AdvanceAsync(TimeSpan.FromSeconds(1));
        rig.Agent.Attempts.Count.ShouldBe(3);
    }
}
