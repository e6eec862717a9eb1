using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class LeaseTests
{
    [Fact]
    public async Task A_lease_is_held_for_longer_while_the_delivery_goes_on()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromMinutes(25) };
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        var until = rig.Row("bob@far.example").Due;
        for (var minute = 0; minute < 24; minute++)
        {
            await rig.AdvanceAsync(TimeSpan.FromMinutes(1));
            await SchedulerRig.UntilAsync(() => rig.Row("bob@far.example").Due > rig.Clock.GetUtcNow() + TimeSpan.FromMinutes(2)); // whoever looks after leases may miss a minute of this clock
        }
        rig.Row("bob@far.example").Due.ShouldBeGreaterThan(until);
        await SchedulerRig.UntilAsync(() => rig.Log.Lines.Any(l => l.Contains("a delivery to far.example goes on for")));
        await rig.AdvanceAsync(TimeSpan.FromMinutes(1));
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Delivered);
        rig.Agent.Attempts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_result_without_its_lease_changes_nothing_and_is_logged()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Refused with { Takes = TimeSpan.FromSeconds(30) };
        await rig.AddAsync("bob@far.example", "eve@far.example");
        await rig.SettleAsync();
        // Somebody else has taken the row over meanwhile.
        await rig.Store.WriteAsync(u => u.Session.Use(new("UPDATE queue_recipients SET lease_owner = 'other/1', lease_generation = lease_generation + 1 WHERE address = $1")).Bind(1, "bob@far.example").Run());
        await rig.AdvanceAsync(TimeSpan.FromSeconds(30));
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Leased);
        rig.Row("eve@far.example").State.ShouldBe(RecipientState.Failed);
        rig.Log.Lines.ShouldContain(l => l.Contains("to=<bob@far.example>: the result of an attempt is not written"));
    }

    [Fact]
    public async Task A_lease_that_ended_elsewhere_is_taken_back()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        await rig.SettleAsync();
        await rig.AddAsync("s@example.test", ["bob@far.example"], wake: false);
        var now = rig.Clock.GetUtcNow();
        var id = rig.Row("bob@far.example").Id;
        await rig.Store.WriteAsync(u => u.Queue.Claim([id], new QueueLease("other.example.test/1", now.AddMinutes(2), now.AddMinutes(3))));
        await rig.AdvanceAsync(TimeSpan.FromMinutes(2));
        await rig.MoveUntilAsync(() => rig.Row("bob@far.example").State is RecipientState.Due or RecipientState.Delivered);
        await rig.LeapAsync(TimeSpan.FromMinutes(1));
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Delivered);
    }

    [Fact]
    public async Task Recipients_that_are_overdue_are_reported_within_a_minute()
    {
        // No place for any delivery while the first one goes on: what waits becomes overdue.
        await using var rig = await SchedulerRig.OpenAsync(SchedulerRig.Plain with { ConcurrencyStart = 1, ConcurrencyMost = 1, RetryFirst = TimeSpan.FromSeconds(20) });
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromHours(1) };
        await rig.AddAsync("first@far.example");
        await rig.SettleAsync();
        await rig.AddAsync("second@far.example");
        await rig.AdvanceAsync(TimeSpan.FromMinutes(2));
        await rig.MoveUntilAsync(() => rig.Log.Lines.Any(l => l.Contains("recipients for far.example are overdue")));
    }

    [Fact]
    public async Task Messages_that_came_to_their_end_are_forgotten_after_their_time()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        await rig.LeapAsync(TimeSpan.FromHours(23));
        rig.Rows().Count.ShouldBe(1);
        await rig.LeapAsync(TimeSpan.FromHours(2));
        await rig.AdvanceAsync(TimeSpan.FromMinutes(11));
        await rig.MoveUntilAsync(() => rig.Rows().Count == 0);
    }
}
