using FsCheck;
using FsCheck.Fluent;
using Posthorn.Search.Segments;
using Posthorn.Search.Trigrams;
using Posthorn.Storage;
using Posthorn.Storage.Search;
using Posthorn.Tests.Unit.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

public sealed class IndexTests(PostgresCluster cluster)
{
    [Fact]
    public async Task A_word_is_found_wherever_it_stands_and_short_words_are_not_asked_for()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        var (other, others) = await rig.StoreRig.AddAccountAsync("other");
        await rig.DeliverAsync(account, inbox, "one needle here", "Subject: =?utf-8?Q?NE=45DLE?=\r\n\r\nx", "nothing at all", "From: Need <le@x.test>\r\n\r\n");
        await rig.DeliverAsync(other, others, "needle");
        rig.Index.Find(account, "NEEDLE").ShouldBeNull();
        await rig.Index.CatchUpAsync();
        rig.Index.Find(account, "NEEDLE")!.Count.ShouldBe(2);
        rig.Index.Find(account, "NEEDLE", "HERE")!.Count.ShouldBe(1);
        rig.Index.Find(account, "ED").ShouldBeNull();
        rig.Index.Find(account).ShouldBeNull();
        rig.Index.Find(account, "NEED <LE@")!.Count.ShouldBe(1);
        rig.Index.Find(other, "NEEDLE")!.Count.ShouldBe(1);
        rig.Demand(account, "needle").ShouldBe((0, 2));
        rig.Index.Status().ShouldSatisfyAllConditions(s => s.Messages.ShouldBe(5), s => s.Accounts.ShouldBe(2), s => s.Waiting.ShouldBe(0));
    }

    /// <summary>What a model does: 0 to 5 deliver so many, 6 indexes a little, 7 all, 8 deletes, 9 opens anew.</summary>
    [Fact]
    public void Nothing_that_has_a_word_is_left_out_whatever_happens()
    {
        string[] words = ["abc", "abcd", "bcd ", "dcb", "aaaa", "cab a", "日本語", "дом", "straße", "a b c", "bbbbbbb"];
        var steps = Gen.Choose(0, 9).ListOf();
        var alphabet = Gen.Elements('a', 'b', 'c', 'd', ' ', 'B', '日', '本', '語', 'д', 'о', 'м', 'ß');
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(40).WithEndSize(40), Prop.ForAll(steps.ToArbitrary(), alphabet.ArrayOf(40).ListOf(40).ToArbitrary(), (list, texts) =>
            Run(list, texts.Select(static t => new string(t)).ToList(), words).GetAwaiter().GetResult()));
    }

    static async Task Run(IEnumerable<int> steps, List<string> texts, string[] words)
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        var at = 0;
        foreach (var step in steps)
        {
            switch (step)
            {
                case <= 5:
                    await rig.DeliverAsync(account, inbox, [.. Enumerable.Range(0, 1 << step).Select(_ => texts.Count == 0 ? "abcd" : texts[at++ % texts.Count])]);
                    break;
                case 6:
                    var due = new Posthorn.Search.IndexQueue();
                    due.Add(account);
                    rig.Index.Step(due, 3, CancellationToken.None);
                    break;
                case 7:
                    await rig.Index.CatchUpAsync();
                    break;
                case 8:
                    await rig.ExpungeAsync(3);
                    break;
                default:
                    await rig.ReopenAsync();
                    break;
            }
            foreach (var word in words) rig.Demand(account, word);
        }
        rig.Log.ShouldBeEmpty();
    }

    [Fact]
    public async Task Segments_are_merged_and_lose_what_is_gone()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        for (var i = 0; i < 64; i++)
        {
            await rig.DeliverAsync(account, inbox, $"message number{i:00} of many");
            await rig.Index.CatchUpAsync();
            if (i == 30) await rig.ExpungeAsync(2);
        }
        var status = rig.Index.Status();
        status.Segments.ShouldBe(1); // eight of eight
        status.Messages.ShouldBe(48);
        for (var i = 0; i < 64; i++) rig.Demand(account, $"number{i:00}").TooMany.ShouldBe(0);
        rig.Demand(account, "MANY").ShouldBe((0, 48));
    }

    [Fact]
    public void Segments_stay_few_and_each_message_is_seldom_written_again()
    {
        var (segments, written, id) = (new List<IndexSegment>(), 0L, 0L);
        const int Messages = 20_000;
        for (var i = 0; i < Messages; i++)
        {
            segments.Add(new(++id, 1, MergePolicy.LevelOf(1), i, i, 1));
            while (MergePolicy.Choose(segments) is { Count: > 0 } choice)
            {
                var due = segments[^choice.Count..];
                segments.RemoveRange(segments.Count - choice.Count, choice.Count);
                written += due.Sum(s => s.Count);
                segments.Add(new(++id, 1, choice.Level, due[0].First, due[^1].Last, due.Sum(s => s.Count)));
            }
            segments.Count.ShouldBeLessThan(50);
        }
        written.ShouldBeLessThan(6L * Messages);
    }

    [Fact]
    public async Task A_message_with_too_much_in_it_is_read_at_every_search()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        var random = new Random(3);
        var noise = new string([.. Enumerable.Range(0, 3 * TrigramSet.Most).Select(_ => (char)random.Next(0x4E00, 0x9FFF))]);
        var odd = await rig.DeliverAsync(account, inbox, "plain", noise, "plain", $"Content-Type: text/plain\r\n\r\n{new string('x', (int)Posthorn.Search.MessageIndexer.MostText + 1)}needle");
        await rig.Index.CatchUpAsync();
        rig.Index.Find(account, "NEEDLE")!.Count.ShouldBe(2);
        rig.Index.Find(account, "NEEDLE")!.MayFit(odd).ShouldBeTrue();
        rig.Index.Find(account, "PLAIN")!.Count.ShouldBe(4); // "text/plain" is in the headers too
        new FileInfo(rig.File).Length.ShouldBeLessThan(1 << 20);
    }

    [Fact]
    public async Task A_damaged_message_does_not_stop_the_others()
    {
        await using var rig = await IndexRig.OpenAsync();
        rig.StoreRig.ExpectClean = false;
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        var damaged = await rig.DeliverAsync(account, inbox, "will be damaged");
        await rig.DeliverAsync(account, inbox, "stays well");
        var pack = Directory.EnumerateFiles(Path.Combine(rig.StoreRig.Root, "blobs"), "pack-*").Single();
        var octets = File.ReadAllBytes(pack);
        octets[octets.AsSpan().IndexOf("damaged"u8)] ^= 1;
        File.WriteAllBytes(pack, octets);
        await rig.Index.CatchUpAsync();
        rig.Log.ShouldHaveSingleItem().ShouldStartWith("9704 ");
        rig.Index.Find(account, "STAYS WELL")!.Count.ShouldBe(2);
        rig.Index.Find(account, "STAYS WELL")!.MayFit(damaged).ShouldBeTrue();
    }

    [Fact]
    public async Task It_serves_a_store_in_postgres_as_well()
    {
        await using var rig = await IndexRig.OpenAsync(await cluster.NewDatabaseAsync());
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, "one needle here", "none");
        await rig.Index.CatchUpAsync();
        rig.Demand(account, "needle").ShouldBe((0, 1));
        rig.Index.Status().Waiting.ShouldBe(0);
    }
}
