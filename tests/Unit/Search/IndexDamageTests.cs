using Posthorn.Search;
using Posthorn.Search.Reading;
using Posthorn.Storage.Search;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

/// <summary>No damage of the index makes a search lie: it is noticed, or it does not matter.</summary>
public sealed class IndexDamageTests
{
    [Fact]
    public async Task Octets_that_changed_anywhere_are_noticed_or_harmless()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        for (var i = 0; i < 9; i++)
        {
            await rig.DeliverAsync(account, inbox, [.. Enumerable.Range(0, 30).Select(n => $"message {i * 30 + n} of many with a needle{n:00}")]);
            await rig.Index.CatchUpAsync();
        }
        await rig.Index.DisposeAsync();
        var good = File.ReadAllBytes(rig.File);
        rig.Open();
        var random = new Random(11);
        for (var n = 0; n < 60; n++)
        {
            await rig.ReopenAsync(() =>
            {
                var octets = (byte[])good.Clone();
                for (var bits = 1 + n % 3; bits > 0; bits--) octets[random.Next(octets.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(rig.File, octets);
                File.Delete(rig.File + "-wal");
            });
            for (var word = 0; word < 30; word++) rig.Demand(account, $"needle{word:00}");
        }
        rig.Log.Count(static l => l.StartsWith("9701 ", StringComparison.Ordinal)).ShouldBeGreaterThan(5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_row_that_is_lost_or_moved_is_noticed(bool segment)
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, "one needle");
        await rig.Index.CatchUpAsync();
        await rig.DeliverAsync(account, inbox, "another one");
        await rig.Index.CatchUpAsync();
        await rig.DeliverAsync(account, inbox, "a needle that is not indexed yet");
        await rig.Index.DisposeAsync();
        using (var file = IndexFile.Open(rig.Store, SearchIndex.Version))
            file.Write(tables =>
            {
                if (segment) tables.RemoveSegment(tables.Segments(account)[0].Id);
                else tables.SetPosition(tables.Position(account)! with { Last = tables.Position(account)!.Last + 1 });
                return 0;
            });
        rig.Open();
        rig.Demand(account, "needle").Have.ShouldBe(2);
        rig.Log.ShouldHaveSingleItem().ShouldStartWith("9701 ");
        await rig.Index.CatchUpAsync();
        rig.Demand(account, "needle").ShouldBe((0, 2));
    }

    [Fact]
    public async Task A_damaged_index_is_made_anew_by_itself()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, [.. Enumerable.Range(0, 100).Select(static n => $"message {n} of many")]);
        await rig.Index.CatchUpAsync();
        await rig.ReopenAsync(() =>
        {
            var octets = File.ReadAllBytes(rig.File);
            // The page in which the words stand: beyond the first pages, that hold the tables.
            var at = octets.AsSpan(octets.Length / 2).IndexOfAnyExcept((byte)0) + octets.Length / 2;
            for (var i = 0; i < 4096 && at + i < octets.Length; i++) octets[at + i] ^= 0x55;
            File.WriteAllBytes(rig.File, octets);
        });
        rig.Index.Start();
        rig.Demand(account, "message 42 of");
        for (var i = 0; i < 100 && rig.Log.Count == 0; i++) rig.Demand(account, $"message {i} of");
        rig.Log.ShouldContain(static l => l.StartsWith("9701 ", StringComparison.Ordinal));
        await rig.SettleAsync();
        rig.Demand(account, "message 42 of").ShouldBe((0, 1));
    }

    /// <summary>
    /// What is indexed must be what is searched, for an index that was written by an older program too. Whoever changes this
    /// number raises SearchIndex.Version.
    /// </summary>
    [Fact]
    public async Task The_text_that_an_index_of_this_version_was_made_from()
    {
        SearchIndex.Version.ShouldBe(2);
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await new Corpus(99).DeliverAsync(rig.Store, account, inbox, 200);
        var text = new System.Text.StringBuilder();
        foreach (var row in rig.Store.Read(unit => unit.Arrivals.After(account, 0, 1000)))
        {
            using var source = new MessageSource(rig.Store, row);
            text.AppendJoin('\0', new SearchContent(source).All);
        }
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.Unicode.GetBytes(text.ToString())))[..16].ShouldBe("d58f83a0e4424baf");
        string[] words = ["ABC", "  X", "\u0416\u0416\u0416", "\0\0\0", "日本語"];
        IndexQuery.Keys(words).ShouldBe([1, 528472, 1073475, 2855207, 4038158]);
    }
}
