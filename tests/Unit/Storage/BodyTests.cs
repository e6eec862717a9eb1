using System.Security.Cryptography;
using Posthorn.Storage;
using Posthorn.Storage.Verify;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class BodyTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(131072)]
    [InlineData(131073)]
    [InlineData(1048576)]
    [InlineData(1048577)]
    [InlineData(3000001)]
    public async Task Bodies_of_every_size_come_back(int size)
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var body = RandomNumberGenerator.GetBytes(size);
        await using var blob = rig.Store.NewBlob();
        for (var at = 0; at < size; at += 7777)
            blob.Write(body.AsSpan(at, Math.Min(7777, size - at)));
        blob.Length.ShouldBe(size);
        blob.Head.ToArray().ShouldBe(body[..Math.Min(size, 131072)]);
        await using (var read = blob.OpenRead())
        {
            var copy = new MemoryStream();
            read.CopyTo(copy);
            copy.ToArray().ShouldBe(body);
        }
        await blob.SealAsync();
        var filed = await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(u.Store(blob), default)));
        await rig.ReopenAsync();
        var location = rig.Load(alice, filed.MessageId).Blob;
        (location.Pack == 0).ShouldBe(size > 1 << 20);
        rig.Body(location).ShouldBe(body);
        location.Hash.ShouldBe(SHA256.HashData(body));
    }

    [Fact]
    public async Task A_body_that_was_not_sealed_is_stored_all_the_same()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await using var blob = rig.Store.NewBlob();
        blob.Write(new byte[2 << 20]);
        var filed = await rig.Store.WriteAsync(u => u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(u.Store(blob), default)));
        rig.Body(rig.Load(alice, filed.MessageId).Blob).Length.ShouldBe(2 << 20);
        Should.Throw<InvalidOperationException>(() => blob.Write([1]));
    }

    [Fact]
    public async Task Temporary_files_go_at_dispose_and_at_open()
    {
        await using var rig = await StoreRig.OpenAsync();
        var blob = rig.Store.NewBlob();
        blob.Write(new byte[500_000]);
        Directory.GetFiles(Path.Combine(rig.Root, "tmp")).Length.ShouldBe(1);
        await blob.DisposeAsync();
        Directory.GetFiles(Path.Combine(rig.Root, "tmp")).ShouldBeEmpty();
        await File.WriteAllTextAsync(Path.Combine(rig.Root, "tmp", "left"), "x");
        await rig.ReopenAsync();
        Directory.GetFiles(Path.Combine(rig.Root, "tmp")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_full_disk_is_told_while_writing_a_large_body()
    {
        await using var rig = await StoreRig.OpenAsync();
        await using var blob = rig.Store.NewBlob();
        rig.Disk.WriteError = 28;
        Should.Throw<StoreFullException>(() => blob.Write(new byte[1 << 20]));
        rig.Disk.WriteError = 0;
    }

    [Fact]
    public async Task Garbage_goes_and_the_living_stay_readable()
    {
        await using var rig = await StoreRig.OpenAsync(packSize: 40_000);
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var bodies = new List<(long Id, byte[] Body)>();
        for (var i = 0; i < 60; i++)
        {
            var body = RandomNumberGenerator.GetBytes(4000);
            bodies.Add(((await rig.DeliverAsync(alice, inbox, body)).MessageId, body));
        }
        var before = bodies.Select(b => rig.Load(alice, b.Id).Blob).ToList();
        before.Select(b => b.Pack).Distinct().Count().ShouldBeGreaterThan(3);
        // The first pack loses all, the second all but one, the others nothing.
        var dead = before.Select((b, i) => (b, i)).Where(p => p.b.Pack == 1 || (p.b.Pack == 2 && p.b.Offset > 5000)).Select(p => (uint)p.i + 1).ToList();
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, dead, "imap"));
        using var held = rig.Store.OpenBlob(before[^1]);
        var report = await rig.Store.CollectGarbageAsync();
        (report.PacksRemoved, report.Damaged.Count).ShouldBe((2, 0));
        report.BodiesMoved.ShouldBeGreaterThan(0);
        report.Freed.ShouldBeGreaterThan(70_000);
        foreach (var (location, i) in before.Select((b, i) => (b, i)))
            if (!dead.Contains((uint)i + 1))
                // Read by the old place: it is looked up anew.
                rig.Body(location).ShouldBe(bodies[i].Body);
        (await rig.Store.CollectGarbageAsync()).PacksRemoved.ShouldBe(0);
        await rig.ReopenAsync();
        rig.Body(rig.Load(alice, bodies[^1].Id).Blob).ShouldBe(bodies[^1].Body);
    }

    [Fact]
    public async Task Large_files_nothing_refers_to_go_after_a_day()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, new byte[2 << 20]);
        var kept = await rig.DeliverAsync(alice, inbox, new byte[3 << 20]);
        await rig.Store.WriteAsync(u => u.Mailboxes.Expunge(alice, inbox, [1], "imap"));
        (await rig.Store.CollectGarbageAsync()).FilesRemoved.ShouldBe(0);
        rig.Clock.Offset = TimeSpan.FromHours(25);
        (await rig.Store.CollectGarbageAsync()).FilesRemoved.ShouldBe(1);
        rig.Body(rig.Load(alice, kept.MessageId).Blob).Length.ShouldBe(3 << 20);
    }
}
