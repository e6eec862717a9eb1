using Posthorn.Accounts.Routes;
using Posthorn.Storage;
using Posthorn.Storage.Archives;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Numbers that are on disk: a change here breaks every store there is.</summary>
public class PersistedNumbersTests
{
    static string List<T>() where T : struct, Enum => string.Join(' ', Enum.GetValues<T>().Select(v => $"{v}={Convert.ToInt32(v)}"));

    [Fact]
    public void Enums_are_frozen()
    {
        List<ChangeKind>().ShouldBe("Arrived=1 Flags=2 Expunged=3 MailboxCreated=4 MailboxRenamed=5 MailboxDeleted=6 MailboxChanged=7 Directory=8 Placed=9");
        List<EventKind>().ShouldBe("Received=1 Filed=2 Queued=3 Attempt=4 Delivered=5 Deferred=6 Bounced=7 Flagged=8 Moved=9 Deleted=10 Held=11 Refused=12 Verdict=13 Forwarded=14 Notified=15 Released=16 Rerouted=17 Dropped=18 Retried=19");
        List<MessageFlags>().ShouldBe("None=0 Seen=1 Answered=2 Flagged=4 Deleted=8 Draft=16 Forwarded=32 MdnSent=64 Junk=128 NotJunk=256 Phishing=512");
        List<MailboxRole>().ShouldBe("None=0 Inbox=1 Drafts=2 Sent=3 Junk=4 Trash=5 Archive=6");
        List<RouteKind>().ShouldBe("Default=0 Recipient=1 Sender=2");
        List<RecipientState>().ShouldBe("Due=1 Leased=2 Held=3 Delivered=4 Failed=5 Dropped=6");
        List<SenderTrust>().ShouldBe("Unproven=0 Proven=1 Failed=2");
        List<ArchiveFormat>().ShouldBe("Maildir=1 Mbox=2");
    }

    [Fact]
    public void Trace_ids_are_13_characters_and_read_back()
    {
        new TraceId(0).ToString().ShouldBe("0000000000000");
        new TraceId(-1).ToString().ShouldBe("fzzzzzzzzzzzz");
        TraceId.TryParse("FZZZZZZZZZZZZ", out var id).ShouldBeTrue();
        id.Value.ShouldBe(-1);
        TraceId.TryParse("oooooooooooil", out id).ShouldBeTrue();
        id.Value.ShouldBe(33);
        foreach (var bad in new[] { "", "000000000000", "00000000000000", "g000000000000", "000000000000u", "000000000000-" })
            TraceId.TryParse(bad, out _).ShouldBeFalse(bad);
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var one = new TraceId(random.NextInt64(long.MinValue, long.MaxValue));
            TraceId.TryParse(one.ToString(), out var same).ShouldBeTrue();
            same.ShouldBe(one);
        }
    }

    [Fact]
    public async Task Trace_ids_rise_and_never_repeat_over_threads_reopening_and_a_clock_that_goes_back()
    {
        await using var rig = await StoreRig.OpenAsync();
        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Enumerable.Range(0, 20_000).Select(_ => rig.Store.NewTraceId().Value).ToList())));
        foreach (var list in taken)
            list.ShouldBeInOrder();
        taken.SelectMany(l => l).Distinct().Count().ShouldBe(80_000);
        var last = rig.Store.NewTraceId();
        await rig.Store.WriteAsync(u => { u.Events.Add(last, EventKind.Received, 0, "{}"); return 0; });
        rig.Clock.Offset = TimeSpan.FromDays(-400);
        await rig.ReopenAsync();
        rig.Store.NewTraceId().Value.ShouldBeGreaterThan(last.Value);
    }
}
