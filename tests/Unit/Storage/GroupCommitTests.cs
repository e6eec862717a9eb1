using Posthorn.Storage;
using Posthorn.Storage.Messages;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class GroupCommitTests
{
    /// <summary>Holds the writer inside a unit, so that what is sent meanwhile becomes one group.</summary>
    static async Task<T[]> InOneGroupAsync<T>(StoreRig rig, IEnumerable<Func<WriteUnit, T>> units)
    {
        using var gate = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var holder = rig.Store.WriteAsync(_ =>
        {
            begun.Set();
            return gate.Wait(TimeSpan.FromSeconds(30));
        }).AsTask();
        begun.Wait(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        var tasks = units.Select(u => rig.Store.WriteAsync(u).AsTask()).ToList();
        gate.Set();
        await holder;
        return await Task.WhenAll(tasks);
    }

    [Fact]
    public async Task A_failing_unit_does_not_take_its_neighbours()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var blobs = Enumerable.Range(0, 30).Select(i =>
        {
            var blob = rig.Store.NewBlob();
            blob.Write(BitConverter.GetBytes(i));
            return blob;
        }).ToList();
        var syncs = rig.Disk.Syncs;
        var failures = 0;
        using var gate = new ManualResetEventSlim();
        var holder = rig.Store.WriteAsync(_ => gate.Wait(TimeSpan.FromSeconds(30))).AsTask();
        var tasks = blobs.Select((blob, i) => rig.Store.WriteAsync(u =>
        {
            var filed = u.Mailboxes.Deliver(alice, inbox, StoreRig.Message(u.Store(blob), rig.Store.NewTraceId()));
            return i % 3 == 1 ? throw new FormatException("unit " + i) : filed;
        }).AsTask()).ToList();
        gate.Set();
        await holder;
        for (var i = 0; i < tasks.Count; i++)
        {
            if (i % 3 == 1)
                (await Should.ThrowAsync<FormatException>(tasks[i])).Message.ShouldBe("unit " + i);
            else
                rig.Body(rig.Load(alice, (await tasks[i]).MessageId).Blob).ShouldBe(BitConverter.GetBytes(i));
            failures += i % 3 == 1 ? 1 : 0;
            await blobs[i].DisposeAsync();
        }
        failures.ShouldBe(10);
        // UIDs have no holes: what a failed unit took was undone before the next ran.
        rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox)).Select(e => e.Uid).ShouldBe(Enumerable.Range(1, 20).Select(n => (uint)n));
        // Nor did it leave its body in the pack.
        (await rig.VerifyAsync()).Findings.ShouldBeEmpty();
        // One sync of bodies for all of them, one more for the new pack and its folder each.
        (rig.Disk.Syncs - syncs).ShouldBeLessThanOrEqualTo(6);
    }

    [Fact]
    public async Task Units_see_what_units_before_them_in_the_group_did()
    {
        await using var rig = await StoreRig.OpenAsync();
        var results = await InOneGroupAsync(rig, Enumerable.Range(0, 20).Select(i => (Func<WriteUnit, int>)(u =>
        {
            u.Directory.AddDomain($"d{i}.test", null);
            return u.Directory.Domains().Count;
        })));
        results.ShouldBe(Enumerable.Range(1, 20));
    }

    [Fact]
    public async Task A_cancelled_unit_does_not_run()
    {
        await using var rig = await StoreRig.OpenAsync();
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(async () => await rig.Store.WriteAsync(u => u.Directory.AddDomain("x.test", null), gone.Token));
        rig.Store.Read(u => u.Directory.Domains()).ShouldBeEmpty();
    }

    [Fact]
    public async Task After_a_failed_sync_nothing_is_acknowledged()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var kept = await rig.DeliverAsync(alice, inbox, "before");
        rig.Disk.SyncError = 5;
        await Should.ThrowAsync<StorePoisonedException>(async () => await rig.DeliverAsync(alice, inbox, "lost"));
        rig.Disk.SyncError = 0;
        var syncs = rig.Disk.Syncs;
        await Should.ThrowAsync<StorePoisonedException>(async () => await rig.Store.WriteAsync(u => u.Directory.AddDomain("x.test", null)));
        Should.Throw<StorePoisonedException>(() => rig.Store.NewBlob());
        Should.Throw<StorePoisonedException>(() => rig.Store.Read(u => u.Directory.Version));
        (await rig.Store.Poisoned).Message.ShouldContain("errno 5");
        rig.Disk.Syncs.ShouldBe(syncs);
        await rig.ReopenAsync();
        rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox)).ShouldHaveSingleItem().MessageId.ShouldBe(kept.MessageId);
        await rig.DeliverAsync(alice, inbox, "after");
    }

    [Theory]
    [InlineData(30, true)] // EROFS
    [InlineData(5, true)] // EIO
    [InlineData(28, false)] // ENOSPC
    [InlineData(95, false)] // ENOTSUP: a file system without attributes
    public async Task A_file_system_that_takes_no_changes_after_the_sync_is_not_believed(int errno, bool poisons)
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        rig.Disk.TouchError = errno;
        if (poisons)
        {
            await Should.ThrowAsync<StorePoisonedException>(async () => await rig.DeliverAsync(alice, inbox, "unsure"));
            await rig.Store.Poisoned;
        }
        else await rig.DeliverAsync(alice, inbox, "kept");
    }

    [Fact]
    public async Task A_failed_sync_of_a_large_body_poisons()
    {
        await using var rig = await StoreRig.OpenAsync();
        await using var blob = rig.Store.NewBlob();
        blob.Write(new byte[2 << 20]);
        rig.Disk.SyncError = 5;
        await Should.ThrowAsync<StorePoisonedException>(async () => await blob.SealAsync());
        rig.Disk.SyncError = 0;
        await rig.Store.Poisoned;
    }

    [Fact]
    public async Task Disk_full_fails_the_group_and_heals()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, "before");
        File.Exists(Path.Combine(rig.Root, "reserve")).ShouldBeTrue();
        rig.Disk.WriteError = 28;
        rig.Disk.FreeOctets = 0;
        await Should.ThrowAsync<StoreFullException>(async () => await rig.DeliverAsync(alice, inbox, new string('x', 5000)));
        File.Exists(Path.Combine(rig.Root, "reserve")).ShouldBeFalse();
        // State that needs no body can still be written, and mail be read and removed.
        await rig.Store.WriteAsync(u => u.Mailboxes.SetFlags(alice, inbox, [1], MessageFlags.Seen, MessageFlags.None));
        rig.Store.HasRoomFor(1).ShouldBeFalse();
        rig.Disk.WriteError = 0;
        rig.Disk.FreeOctets = 1L << 40;
        var filed = await rig.DeliverAsync(alice, inbox, "after");
        rig.Body(rig.Load(alice, filed.MessageId).Blob).ShouldBe("after"u8.ToArray());
        rig.Store.Poisoned.IsCompleted.ShouldBeFalse();
        // Nothing of the torn write is left in the pack.
        (await rig.VerifyAsync()).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Room_is_the_floor_or_one_and_a_half_messages()
    {
        await using var rig = await StoreRig.OpenAsync();
        rig.Store.HasRoomFor(1L << 39).ShouldBeTrue();
        rig.Store.HasRoomFor(1L << 40).ShouldBeFalse();
        await using var full = await StoreRig.OpenAsync();
        full.Disk.FreeOctets = (64L << 20) - 1;
        await full.ReopenAsync();
        full.Store.HasRoomFor(1).ShouldBeFalse();
    }

    [Fact]
    public async Task Two_processes_do_not_write_one_store()
    {
        await using var rig = await StoreRig.OpenAsync();
        var error = await Should.ThrowAsync<StoreException>(MailStore.OpenAsync(rig.Options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        error.Message.ShouldContain($"in use by process {Environment.ProcessId}");
    }

    [Fact]
    public async Task Files_are_for_the_owner_only()
    {
        await using var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, "x");
        await rig.DeliverAsync(alice, inbox, new byte[2 << 20]);
        const UnixFileMode others = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var path in Directory.EnumerateFileSystemEntries(rig.Root, "*", SearchOption.AllDirectories).Append(rig.Root))
            (File.GetUnixFileMode(path) & others).ShouldBe(UnixFileMode.None, path);
    }
}
