using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class RetryTests
{
    /// <summary>Leaps from one due time to the next, and looks a second before each that it is not too early.</summary>
    static async Task FollowAsync(SchedulerRig rig, int most)
    {
        await rig.SettleAsync();
        for (var n = 0; n < most; n++)
        {
            var row = rig.Rows().Single();
            if (row.State != RecipientState.Due) return;
            var attempts = rig.Agent.Attempts.Count;
            await rig.LeapAsync(row.Due - rig.Clock.GetUtcNow() - TimeSpan.FromSeconds(1));
            rig.Agent.Attempts.Count.ShouldBe(attempts);
            await rig.LeapAsync(TimeSpan.FromSeconds(1));
            rig.Agent.Attempts.Count.ShouldBe(attempts + 1);
        }
    }

    [Fact]
    public async Task Retries_come_after_15_minutes_growing_by_half_to_4_hours_with_a_notice_after_4_hours_and_the_end_after_5_days()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example");
        await FollowAsync(rig, 100);
        var minutes = rig.Minutes();
        // 15 min, then half as much again each time; cut at 4 h, where the sender is told; then at most 4 h, and cut at 5 d.
        minutes[..9].ShouldBe([0, 15, 37.5, 71.25, 121.875, 197.812, 240, 410.859, 650.859]);
        for (var i = 8; i < minutes.Length - 1; i++) (minutes[i] - minutes[i - 1]).ShouldBe(240, 0.01);
        minutes[^1].ShouldBe(5 * 24 * 60);
        rig.Told.ShouldBe([(NoticeReason.Delayed, "bob@far.example", false), (NoticeReason.Failed, "bob@far.example", true)]);
        var row = rig.Rows().Single();
        row.State.ShouldBe(RecipientState.Failed);
        row.Attempts.ShouldBe(minutes.Length);
        var story = rig.Story(row.Trace);
        story.Count(e => e.Kind == EventKind.Deferred).ShouldBe(minutes.Length - 1);
        story[^1].Kind.ShouldBe(EventKind.Bounced);
        story[0].Detail.ShouldBe("{\"to\":\"bob@far.example\",\"relay\":\"mx.far.example[192.0.2.1]:25\",\"status\":\"4.2.0\",\"reply\":\"450 4.2.0 later\",\"delay\":0,\"next\":\"2026-11-21T08:15:00Z\",\"attempts\":1}");
        story[^1].Detail.ShouldBe($"{{\"to\":\"bob@far.example\",\"relay\":\"mx.far.example[192.0.2.1]:25\",\"status\":\"4.2.0\",\"reply\":\"450 4.2.0 later\",\"delay\":432000,\"attempts\":{minutes.Length}}}");
    }

    [Fact]
    public async Task The_null_sender_is_given_up_after_2_days()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("", ["bob@far.example"]);
        await FollowAsync(rig, 100);
        rig.Minutes()[^1].ShouldBe(2 * 24 * 60);
        rig.Rows().Single().State.ShouldBe(RecipientState.Failed);
    }

    [Fact]
    public async Task A_route_has_times_of_its_own()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Routes = new RouteBook([new Route(1, RouteKind.Recipient, "far.example", new Transport(TransportKind.Smtp, "relay.example", 25),
            new RouteSettings(RetryFirst: TimeSpan.FromMinutes(1), RetryMost: TimeSpan.FromMinutes(3), DelayNotice: TimeSpan.FromMinutes(8), GiveUp: TimeSpan.FromMinutes(12)), "far.example")]);
        rig.Agent.Script = _ => Answer.Later;
        await rig.AddAsync("bob@far.example");
        await FollowAsync(rig, 100);
        rig.Minutes().ShouldBe([0, 1, 2.5, 4.75, 7.75, 8, 11, 12]);
        rig.Agent.Attempts[0].Destination.ShouldBe("smtp:relay.example:25");
        rig.Told.ShouldBe([(NoticeReason.Delayed, "bob@far.example", false), (NoticeReason.Failed, "bob@far.example", true)]);
    }

    [Fact]
    public async Task A_refusal_ends_it_at_once_and_a_success_too()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = j => j.Destination == "bad.example" ? Answer.Refused : Answer.Taken;
        await rig.AddAsync("bob@bad.example", "bob@good.example");
        await rig.SettleAsync();
        rig.Row("bob@bad.example").State.ShouldBe(RecipientState.Failed);
        rig.Row("bob@good.example").State.ShouldBe(RecipientState.Delivered);
        rig.Told.ShouldBe([(NoticeReason.Failed, "bob@bad.example", false)]);
        var id = rig.Row("bob@bad.example").Trace.ToString();
        rig.Log.Lines.ShouldContain($"message {id} to=<bob@bad.example> relay=mx.bad.example[192.0.2.1]:25 delay=0.00 dsn=5.1.1 status=bounced (550 5.1.1 no such user)");
        rig.Log.Lines.ShouldContain($"message {id} to=<bob@good.example> relay=mx.good.example[192.0.2.1]:25 delay=0.00 dsn=2.0.0 status=sent (250 2.0.0 taken)");
        await rig.LeapAsync(TimeSpan.FromDays(1));
        rig.Agent.Attempts.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Not_before_is_kept_whatever_the_schedule_says()
    {
        await using var rig = await SchedulerRig.OpenAsync(SchedulerRig.Plain with { RetryFirst = TimeSpan.FromSeconds(10) });
        rig.Agent.Script = _ => Answer.Later with { NotBefore = TimeSpan.FromMinutes(5) };
        await rig.AddAsync("bob@far.example");
        await FollowAsync(rig, 1);
        rig.Minutes().ShouldBe([0, 5]);
    }

    [Fact]
    public async Task Recipients_of_one_job_can_end_in_different_ways()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => new Answer(Each: r => r.Address[0] switch { 'a' => AttemptStatus.Delivered, 'b' => AttemptStatus.Failed, _ => AttemptStatus.Deferred });
        await rig.AddAsync("a@far.example", "b@far.example", "c@far.example");
        await rig.SettleAsync();
        rig.Agent.Attempts.Count.ShouldBe(1);
        rig.Rows().Select(r => (r.Address[0], r.State)).ShouldBe([('a', RecipientState.Delivered), ('b', RecipientState.Failed), ('c', RecipientState.Due)], ignoreOrder: true);
        await rig.LeapAsync(TimeSpan.FromMinutes(15));
        rig.Agent.Attempts[^1].To.ShouldBe(["c@far.example"]);
    }

    [Fact]
    public async Task What_waits_for_the_transport_hold_is_held_and_said_so()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Routes = new RouteBook([new Route(1, RouteKind.Recipient, "far.example", new Transport(TransportKind.Hold), new RouteSettings(), "far.example")]);
        await rig.AddAsync("bob@far.example");
        await rig.SettleAsync();
        rig.Agent.Attempts.ShouldBeEmpty();
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Held);
        rig.Story(rig.Row("bob@far.example").Trace).Single().Kind.ShouldBe(EventKind.Held);
    }

    [Fact]
    public async Task A_fault_of_the_agent_is_no_end_of_the_message()
    {
        await using var rig = await SchedulerRig.OpenAsync();
        rig.Agent.Script = _ => rig.Agent.Attempts.Count > 1 ? Answer.Taken : throw new InvalidOperationException("broken");
        await rig.AddAsync("bob@far.example");
        await FollowAsync(rig, 1);
        rig.Row("bob@far.example").State.ShouldBe(RecipientState.Delivered);
    }
}
