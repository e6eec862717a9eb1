using Posthorn.Storage.Blobs;
using Posthorn.Storage.Verify;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class CrashTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3000)]
    [InlineData(100000)]
    public async Task A_cut_write_ahead_log_loses_whole_commits_only(int cut)
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        for (var i = 0; i < 30; i++)
            await rig.DeliverAsync(alice, inbox, "message " + i);
        await using var crashed = rig.Crash();
        var wal = Path.Combine(crashed.Root, "meta.db-wal");
        using (var file = File.OpenHandle(wal, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.SetLength(file, RandomAccess.GetLength(file) - cut);
        await crashed.ReopenAsync();
        var drop = crashed.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox));
        if (cut == 0)
            drop.Count.ShouldBe(30);
        else
            drop.Count.ShouldBeLessThan(30);
        drop.Select(e => e.Uid).ShouldBe(Enumerable.Range(1, drop.Count).Select(n => (uint)n));
        foreach (var entry in drop)
            crashed.Body(crashed.Load(alice, entry.MessageId).Blob);
        // Bodies past the last known one are never overwritten.
        var end = new FileInfo(Path.Combine(crashed.Root, "blobs", "pack-00000001")).Length;
        var next = await crashed.DeliverAsync(alice, inbox, "next");
        next.Uid.ShouldBe((uint)drop.Count + 1);
        crashed.Load(alice, next.MessageId).Blob.ShouldSatisfyAllConditions(b => b.Pack.ShouldBe(1), b => b.Offset.ShouldBe(end + PackRecord.HeaderLength));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    public async Task A_torn_tail_of_a_pack_is_left_and_a_new_pack_begun(int torn)
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, "whole");
        await using var crashed = rig.Crash();
        var pack = Path.Combine(crashed.Root, "blobs", "pack-00000001");
        // The next record as far as it came before the power went.
        var header = new byte[PackRecord.HeaderLength + 100];
        PackRecord.WriteHeader(header, new byte[32], 500);
        await using (var file = new FileStream(pack, FileMode.Append))
            file.Write(header.AsSpan(0, torn));
        var length = new FileInfo(pack).Length;
        await crashed.ReopenAsync();
        var filed = await crashed.DeliverAsync(alice, inbox, "next");
        crashed.Load(alice, filed.MessageId).Blob.Pack.ShouldBe(2);
        new FileInfo(pack).Length.ShouldBe(length);
        (await crashed.VerifyAsync()).Findings.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            f => f.Severity.ShouldBe(Severity.Note), f => f.Name.ShouldBe("pack-00000001"), f => f.Text.ShouldContain("no whole record"));
    }

    [Fact]
    public async Task A_pack_cut_short_below_what_is_known_is_damage()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var first = await rig.DeliverAsync(alice, inbox, "first");
        await rig.DeliverAsync(alice, inbox, "second");
        await using var crashed = rig.Crash();
        crashed.ExpectClean = false;
        using (var file = File.OpenHandle(Path.Combine(crashed.Root, "blobs", "pack-00000001"), FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.SetLength(file, RandomAccess.GetLength(file) - 3);
        await crashed.ReopenAsync();
        crashed.Body(crashed.Load(alice, first.MessageId).Blob).ShouldBe("first"u8.ToArray());
        (await crashed.DeliverAsync(alice, inbox, "third")).Uid.ShouldBe(3u);
        (await crashed.VerifyAsync()).Findings.ShouldContain(f => f.Severity == Severity.Damage && f.Kind == "body");
    }

    [Fact]
    public async Task Packs_are_walked_without_metadata()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var ids = new List<long>();
        for (var i = 0; i < 5; i++)
            ids.Add((await rig.DeliverAsync(alice, inbox, "body " + i)).MessageId);
        var blobs = ids.Select(id => rig.Load(alice, id).Blob).ToList();
        using var file = File.OpenHandle(Path.Combine(rig.Root, "blobs", "pack-00000001"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var length = RandomAccess.GetLength(file);
        PackScan.Walk(file, 16, length).Select(f => (f.Start, f.Length, Convert.ToHexString(f.Hash), f.Whole))
            .ShouldBe(blobs.Select(b => (b.Offset, b.Length, Convert.ToHexString(b.Hash), true)));
        // From the middle of a record on, the next is found by its magic.
        PackScan.Walk(file, blobs[0].Offset + 1, length).Count(f => f.IsRecord).ShouldBe(4);
    }
}
