using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Delivery.Queue;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Posthorn.Tests.Testing.Time;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class JournalTests
{
    static LeasedRecipient Leased(long id, long generation = 1, string owner = "mail.example.test/old") => new(id, 1, $"u{id}@far.example", $"u{id}@far.example", null, null, 1, owner, generation, null, null);

    [Fact]
    public void A_journal_is_read_up_to_its_torn_end()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("posthorn-journal").FullName, "j");
        using (var journal = new DeliveryJournal(path, "a/1", "boot", new FakeTimeProvider(), NullLogger.Instance))
        {
            journal.DotSent([Leased(1), Leased(2)]);
            journal.Taken(Leased(1), "250 2.0.0 Ok: grün");
        }
        var whole = File.ReadAllBytes(path);
        var all = FormerJournal.Read(path, "boot");
        (all.Owner, all.IsWhole).ShouldBe(("a/1", true));
        all.Last[(1, 1)].Text.ShouldBe("250 2.0.0 Ok: grün");
        all.Last[(2, 1)].Kind.ShouldBe(JournalKind.DotSent);
        // Another boot: what is there counts, what is not there proves nothing.
        FormerJournal.Read(path, "other").IsWhole.ShouldBeFalse();
        FormerJournal.Read(path, "other").Last.Count.ShouldBe(2);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            var torn = FormerJournal.Read(path, "boot");
            torn.Last.Values.ShouldNotContain(r => r.Kind == JournalKind.Taken);
            if (torn.Owner.Length == 0) torn.Last.ShouldBeEmpty();
        }
        for (var at = 0; at < whole.Length; at++)
        {
            var flipped = (byte[])whole.Clone();
            flipped[at] ^= 0x40;
            File.WriteAllBytes(path, flipped);
            FormerJournal.Read(path, "boot").Last.Values.ShouldAllBe(r => r.Recipient == 1 || r.Recipient == 2);
            FormerJournal.Read(path, "boot").Last.Values.Where(r => r.Kind == JournalKind.Taken).ShouldAllBe(r => r.Text == "250 2.0.0 Ok: grün");
        }
        File.Delete(path);
        FormerJournal.Read(path, "boot").Owner.ShouldBe("");
    }

    [Fact]
    public void A_large_journal_is_made_anew_with_what_goes_on()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("posthorn-journal").FullName, "j");
        using var journal = new DeliveryJournal(path, "a/1", "boot", new FakeTimeProvider(), NullLogger.Instance);
        journal.DotSent([Leased(1)]);
        var reply = new string('x', 1000);
        for (var id = 10; id < 5010; id++)
        {
            journal.Taken(Leased(id), reply);
            journal.Forget([Leased(id)]);
        }
        new FileInfo(path).Length.ShouldBeLessThan(5 << 20);
        FormerJournal.Read(path, "boot").Last[(1, 1)].Kind.ShouldBe(JournalKind.DotSent);
        journal.MayHave(Leased(1)).ShouldBeTrue();
        journal.MayHave(Leased(1, generation: 2)).ShouldBeFalse();
        journal.MayHave(Leased(10)).ShouldBeFalse();
    }

    [Fact]
    public void Kinds_are_frozen() => string.Join(' ', Enum.GetValues<JournalKind>().Select(v => $"{v}={(int)v}")).ShouldBe("Opened=1 DotSent=2 Taken=3");

    /// <summary>A former run that was killed with four recipients leased: taken, dot sent, nothing sent, and one of another node.</summary>
    static async Task<SchedulerRig> KilledAsync(string boot = "boot", bool journal = true)
    {
        var rig = await SchedulerRig.OpenAsync(start: false);
        await rig.AddAsync("s@example.test", ["taken@far.example", "dot@far.example", "nothing@far.example", "other@far.example"]);
        var now = rig.Clock.GetUtcNow();
        var rows = rig.Rows().ToDictionary(r => r.Address, r => r.Id);
        var mine = await rig.Store.WriteAsync(u => u.Queue.Claim([rows["taken@far.example"], rows["dot@far.example"], rows["nothing@far.example"]], new QueueLease("mail.example.test/old", now.AddMinutes(10), now.AddMinutes(15))));
        await rig.Store.WriteAsync(u => u.Queue.Claim([rows["other@far.example"]], new QueueLease("other.example.test/1", now.AddMinutes(-1), now.AddMinutes(15))));
        if (journal)
        {
            using var old = new DeliveryJournal(Path.Combine(rig.Root, "delivery.journal"), "mail.example.test/old", "boot", rig.Clock, NullLogger.Instance);
            old.DotSent([mine[0], mine[1]]);
            old.Taken(mine[0], "250 2.0.0 Ok: queued as 7");
        }
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        rig.NewQueue(boot);
        await rig.Queue.StartAsync();
        await rig.SettleAsync();
        return rig;
    }

    [Fact]
    public async Task After_a_kill_the_journal_tells_what_was_done()
    {
        await using var rig = await KilledAsync();
        var taken = rig.Row("taken@far.example");
        taken.State.ShouldBe(RecipientState.Delivered);
        taken.LastReply.ShouldBe("250 2.0.0 Ok: queued as 7");
        rig.Story(taken.Trace).Single(e => e.Kind == EventKind.Delivered && e.Detail.Contains("taken@")).Detail.ShouldContain("taken before the restart: 250 2.0.0 Ok: queued as 7");
        var dot = rig.Row("dot@far.example");
        (dot.State, dot.Due, dot.Attempts).ShouldBe((RecipientState.Due, SchedulerRig.Start.AddMinutes(5), 1));
        rig.Story(taken.Trace).Single(e => e.Kind == EventKind.Deferred && e.Detail.Contains("dot@")).Detail.ShouldContain("may arrive twice");
        // Nothing had been sent: it goes at once, and that was its first attempt.
        rig.Agent.Attempts.Single().To.ShouldBe(["nothing@far.example"]);
        (rig.Row("nothing@far.example").State, rig.Row("nothing@far.example").Attempts).ShouldBe((RecipientState.Delivered, 1));
        (rig.Row("other@far.example").State, rig.Row("other@far.example").Due).ShouldBe((RecipientState.Due, SchedulerRig.Start.AddMinutes(15)));
        await rig.LeapAsync(TimeSpan.FromMinutes(4));
        rig.Row("dot@far.example").State.ShouldBe(RecipientState.Delivered);
    }

    [Theory]
    [InlineData("other boot", true)]
    [InlineData("boot", false)]
    public async Task After_a_power_cut_or_without_a_journal_what_is_not_known_waits_for_its_time(string boot, bool journal)
    {
        await using var rig = await KilledAsync(boot, journal);
        rig.Agent.Attempts.ShouldBeEmpty();
        (rig.Row("nothing@far.example").State, rig.Row("nothing@far.example").Due).ShouldBe((RecipientState.Due, SchedulerRig.Start.AddMinutes(15)));
        rig.Row("taken@far.example").State.ShouldBe(journal ? RecipientState.Delivered : RecipientState.Due);
        await rig.LeapAsync(TimeSpan.FromMinutes(14));
        rig.Rows().ShouldAllBe(r => r.State == RecipientState.Delivered);
    }
}
