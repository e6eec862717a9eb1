using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class OutcomeTests
{
    /// <summary>Promise 25: every recipient ends delivered, or failed with exactly one notice, whatever happens on the way.</summary>
    [Fact]
    public async Task Ten_thousand_messages_with_random_outcomes_are_all_accounted_for()
    {
        await using var rig = await SchedulerRig.OpenAsync(SchedulerRig.Plain with { GiveUp = TimeSpan.FromHours(3), GiveUpBounces = TimeSpan.FromHours(3), DelayNotice = TimeSpan.FromHours(1), KeepFinished = TimeSpan.FromDays(30) }, start: false);
        var random = new Random(42);
        var taken = new Dictionary<string, int>();
        rig.Agent.Script = j =>
        {
            var health = random.Next(50) switch { 0 => DestinationHealth.Down, 1 => DestinationHealth.Busy, _ => DestinationHealth.Good };
            if (random.Next(200) == 0) throw new InvalidOperationException("a broken agent");
            return new Answer(Health: health, NotBefore: random.Next(20) == 0 ? TimeSpan.FromMinutes(5) : null, Each: r =>
            {
                var status = health != DestinationHealth.Good ? AttemptStatus.Deferred : random.Next(10) switch { < 4 => AttemptStatus.Delivered, 4 => AttemptStatus.Failed, _ => AttemptStatus.Deferred };
                if (status == AttemptStatus.Delivered)
                    lock (taken) taken[r.Address] = taken.GetValueOrDefault(r.Address) + 1;
                return status;
            });
        };
        var mails = Enumerable.Range(0, 10_000).Select(i => (i % 10 == 0 ? "" : "s@example.test", i % 7 == 0 ? new[] { $"a{i}@d{i % 97}.example", $"b{i}@d{i % 97}.example" } : [$"a{i}@d{i % 97}.example"])).ToList();
        foreach (var chunk in mails.Chunk(2000)) await rig.AddManyAsync(chunk);
        await rig.Queue.StartAsync();
        await rig.SettleAsync();
        for (var n = 0; n < 400; n++)
        {
            if (rig.Store.Read(u => u.Queue.Count()).Recipients == 0) break;
            await rig.LeapAsync(TimeSpan.FromMinutes(5));
        }
        var rows = rig.Rows();
        rows.Count.ShouldBe(mails.Sum(m => m.Item2.Length));
        rows.ShouldAllBe(r => r.State == RecipientState.Delivered || r.State == RecipientState.Failed);
        var delivered = rows.Where(r => r.State == RecipientState.Delivered).Select(r => r.Address).ToHashSet();
        taken.Values.ShouldAllBe(n => n == 1);
        delivered.SetEquals(taken.Keys).ShouldBeTrue();
        var failed = rig.Told.Where(t => t.Reason == NoticeReason.Failed).Select(t => t.Address).ToList();
        failed.Count.ShouldBe(failed.Distinct().Count());
        failed.ToHashSet().SetEquals(rows.Where(r => r.State == RecipientState.Failed).Select(r => r.Address)).ShouldBeTrue();
        var delayed = rig.Told.Where(t => t.Reason == NoticeReason.Delayed).Select(t => t.Address).ToList();
        delayed.Count.ShouldBe(delayed.Distinct().Count());
        rows.ShouldAllBe(r => r.State == RecipientState.Delivered || r.LastReply.Length > 0);
    }
}
