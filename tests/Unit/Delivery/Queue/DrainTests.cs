using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class DrainTests
{
    [Fact]
    public async Task Deliveries_that_go_on_end_and_nothing_new_begins()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromSeconds(10) };
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        var drain = rig.Queue.DrainAsync(TimeSpan.FromSeconds(30));
        await rig.AddAsync("late@far.example");
        await rig.MoveUntilAsync(drain);
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Delivered);
        (rig.Row("late@far.example").State, rig.Row("late@far.example").Attempts).ShouldBe((RecipientState.Due, 0));
        rig.Agent.Attempts.Count.ShouldBe(1);
        (await rig.AcceptAsync("later@far.example")).Leased.ShouldBe(0);
    }

    [Fact]
    public async Task What_has_not_sent_its_dot_at_the_limit_is_given_back_and_goes_at_the_next_start()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromHours(1) };
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        var drain = rig.Queue.DrainAsync(TimeSpan.FromSeconds(5));
        rig.Agent.Parked.ShouldBe(1);
        await rig.MoveUntilAsync(drain);
        var row = rig.Row("bob@far.example");
        (row.State, row.Attempts).ShouldBe((RecipientState.Due, 0));
        row.Due.ShouldBeLessThanOrEqualTo(rig.Clock.GetUtcNow());
        rig.Agent.Script = _ => Answer.Taken;
        rig.NewQueue();
        await rig.Queue.StartAsync();
        await rig.SettleAsync();
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Delivered);
    }

    [Fact]
    public async Task Fresh_mail_that_waits_claimed_is_given_back()
    {
        await using var rig = await SchedulerRig.OpenAsync(SchedulerRig.Plain with { ConcurrencyStart = 1, ConcurrencyMost = 1 });
        await rig.AddAsync("proof@far.example");
        await rig.SettleAsync();
        rig.Agent.Script = _ => Answer.Taken with { Takes = TimeSpan.FromSeconds(1) };
        for (var i = 0; i < 5; i++) (await rig.AcceptAsync($"u{i}@far.example")).Leased.ShouldBe(1);
        var drain = rig.Queue.DrainAsync(TimeSpan.FromSeconds(5));
        await SchedulerRig.UntilAsync(() => rig.Agent.Parked == 1);
        await rig.MoveUntilAsync(drain);
        rig.Rows().Count(r => r.State == RecipientState.Delivered).ShouldBe(2);
        rig.Rows().Where(r => r.State == RecipientState.Due && r.Attempts == 0).Count().ShouldBe(4);
    }

    [Fact]
    public async Task Under_load_each_message_is_delivered_exactly_once_over_ten_stops()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        var taken = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        rig.Agent.Script = j => new Answer(Takes: j.Message.Id % 3 == 0 ? TimeSpan.FromSeconds(j.Message.Id % 7) : TimeSpan.Zero, Each: r =>
        {
            taken.AddOrUpdate(r.Address, 1, static (_, n) => n + 1);
            return AttemptStatus.Delivered;
        });
        for (var round = 0; round < 10; round++)
        {
            for (var i = 0; i < 10; i++) await rig.AcceptAsync($"a{round}-{i}@d{i % 4}.example");
            await rig.AddManyAsync([.. Enumerable.Range(0, 10).Select(i => ("s@example.test", new[] { $"b{round}-{i}@d{i % 4}.example" }))]);
            rig.Queue.Wake();
            // What would take longer is cut, and given back.
            await rig.MoveUntilAsync(rig.Queue.DrainAsync(TimeSpan.FromSeconds(3)));
            rig.NewQueue();
            await rig.Queue.StartAsync();
        }
        await rig.AdvanceAsync(TimeSpan.FromMinutes(1));
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
        taken.Count.ShouldBe(200);
        taken.Values.ShouldAllBe(n => n == 1);
    }
}
