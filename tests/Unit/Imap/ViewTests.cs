using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Views;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>Snapshots against a plain list.</summary>
public class ViewTests
{
    static Row Message(uint uid, long modSeq, KeywordSets keywords, string? words = null) => Row.Of(
        new Placement(uid, uid + 1000, MessageFlags.None, words, modSeq, modSeq, 10, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch), keywords);

    /// <summary>Does a step to the builder and to the list: 0 adds, 1 flags, 2 removes.</summary>
    static Snapshot Play(Snapshot from, SortedDictionary<uint, long> model, IReadOnlyList<int> steps, ref long modSeq)
    {
        var builder = new SnapshotBuilder(from);
        var next = from.UidNext;
        foreach (var step in steps)
        {
            modSeq++;
            var pick = model.Count == 0 ? 0 : model.Keys.ElementAt(Math.Abs(step / 8) % model.Count);
            switch (Math.Abs(step) % 8)
            {
                case 0 or 1 or 2 or 3 or 4:
                    builder.Append(Message(next, modSeq, from.Keywords));
                    model.Add(next++, modSeq);
                    break;
                case 5 when pick > 0:
                    builder.Remove(pick);
                    model.Remove(pick);
                    break;
                case 6 when pick > 0:
                    builder.Flag(pick, MessageFlags.Seen, "k" + pick, modSeq).ShouldBeTrue();
                    model[pick] = modSeq;
                    break;
            }
        }
        return builder.Build();
    }

    static Snapshot Empty() => new SnapshotBuilder(new KeywordSets(), 1, 0).Build();

    static List<(uint, long)> Rows(Snapshot snapshot) => [.. Enumerable.Range(0, snapshot.Count).Select(i => (snapshot[i].Uid, snapshot[i].ModSeq))];

    [Fact]
    public void A_snapshot_is_what_was_done() => Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), ArbMap.Default.ArbFor<int[]>(), (a, b) =>
    {
        var modSeq = 0L;
        var model = new SortedDictionary<uint, long>();
        // Enough for several chunks to begin with.
        var first = Play(Empty(), model, [.. Enumerable.Repeat(0, 700), .. a], ref modSeq);
        var before = model.ToDictionary(p => p.Key, p => p.Value);
        var then = Rows(first);
        var second = Play(first, model, b, ref modSeq);
        Rows(first).ShouldBe(then); // who looks at it sees no change
        Rows(second).ShouldBe(model.Select(p => (p.Key, p.Value)));
        foreach (var uid in model.Keys) second[second.IndexOf(uid)].Uid.ShouldBe(uid);
        second.IndexOf(second.UidNext).ShouldBe(-1);
        var diff = SnapshotDiff.Of(first, second);
        diff.Gone.Select(i => first[i].Uid).ShouldBe(before.Keys.Except(model.Keys).Order());
        diff.Changed.Select(i => second[i].Uid).ShouldBe(model.Where(p => before.TryGetValue(p.Key, out var m) && m != p.Value).Select(p => p.Key));
        diff.Arrived.ShouldBe(model.Keys.Except(before.Keys).Count());
        var kept = SnapshotDiff.Keep(first, second, diff);
        Rows(kept).Select(r => r.Item1).ShouldBe(before.Keys.Union(model.Keys).Order());
        var rest = SnapshotDiff.Of(kept, second);
        (rest.Gone.Count, rest.Arrived, rest.Changed.Count).ShouldBe((diff.Gone.Count, 0, 0));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_flag_copies_one_chunk()
    {
        var modSeq = 0L;
        var model = new SortedDictionary<uint, long>();
        var first = Play(Empty(), model, [.. Enumerable.Repeat(0, 2000)], ref modSeq);
        var builder = new SnapshotBuilder(first);
        builder.Flag(1000, MessageFlags.Flagged, null, 9999).ShouldBeTrue();
        var second = builder.Build();
        first.Chunks.ToArray().Intersect(second.Chunks.ToArray()).Count().ShouldBe(first.Chunks.Length - 2); // that chunk, and the last one, which may grow
    }

    [Fact]
    public void Keyword_sets_are_numbered_once_and_say_only_what_imap_can_say()
    {
        var sets = new KeywordSets();
        sets.NumberOf(null).ShouldBe(0);
        var number = sets.NumberOf("blue gr\u00fcn $x");
        sets.NumberOf("blue gr\u00fcn $x").ShouldBe(number);
        System.Text.Encoding.ASCII.GetString(sets.Octets(number)).ShouldBe("blue $x");
        sets.NumberOf("BLUE").ShouldNotBe(number);
        sets.Names.ShouldBe(["blue", "$x"]);
        (sets.Has(number, "Blue"), sets.Has(number, "blu"), sets.Has(0, "blue")).ShouldBe((true, false, false));
    }
}
