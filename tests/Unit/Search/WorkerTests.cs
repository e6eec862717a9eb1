using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Search;
using Posthorn.Tests.Unit.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Search;

public sealed class WorkerTests
{
    [Fact]
    public async Task Mail_is_indexed_behind_delivery_and_after_a_restart_only_what_is_new()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, "before the start");
        rig.Index.Start();
        await rig.SettleAsync();
        await rig.DeliverAsync(account, inbox, "while it runs", "another one");
        await rig.SettleAsync();
        rig.Demand(account, "while it runs").ShouldBe((0, 1));
        await rig.ReopenAsync();
        rig.Index.Status().ShouldSatisfyAllConditions(s => s.Messages.ShouldBe(3), s => s.Waiting.ShouldBe(0));
        await rig.DeliverAsync(account, inbox, "after it");
        rig.Index.Start();
        await rig.SettleAsync();
        rig.Demand(account, "after it").ShouldBe((0, 1));
        rig.Index.Status().Messages.ShouldBe(4);
        rig.Log.ShouldBeEmpty();
    }

    [Fact]
    public async Task Under_a_stream_of_mail_the_lag_has_a_bound()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        rig.Index.Start();
        string[] group = [.. Enumerable.Range(0, 100).Select(i => $"message {i} of a stream")];
        for (var round = 0; round < 30; round++) await rig.DeliverAsync(account, inbox, group);
        // Mail never stops coming, and still what came before is indexed at some time.
        for (var deadline = DateTime.UtcNow.AddSeconds(60); rig.Index.Status().Messages < 3000;)
        {
            DateTime.UtcNow.ShouldBeLessThan(deadline);
            await rig.DeliverAsync(account, inbox, "one more");
        }
        await rig.SettleAsync();
        rig.Demand(account, "stream").TooMany.ShouldBe(0);
    }

    [Fact]
    public async Task Accounts_that_are_gone_are_forgotten()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        var (other, others) = await rig.StoreRig.AddAccountAsync("other");
        await rig.DeliverAsync(account, inbox, "needle");
        await rig.DeliverAsync(other, others, "needle");
        await rig.Index.CatchUpAsync();
        await rig.Store.WriteAsync(unit =>
        {
            unit.Directory.RemoveAccount(other);
            return 0;
        });
        await rig.Index.CatchUpAsync();
        rig.Index.Status().ShouldSatisfyAllConditions(s => s.Accounts.ShouldBe(1), s => s.Messages.ShouldBe(1));
        rig.Index.Find(other, "NEEDLE").ShouldBeNull();
    }

    [Fact]
    public async Task A_file_that_is_deleted_or_of_another_version_is_made_anew()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, "one needle", "two");
        await rig.Index.CatchUpAsync();
        await rig.ReopenAsync(() => File.Delete(rig.File));
        rig.Index.Status().ShouldSatisfyAllConditions(s => s.Usable.ShouldBeTrue(), s => s.Messages.ShouldBe(0), s => s.Waiting.ShouldBe(2));
        rig.Index.Start();
        await rig.SettleAsync();
        rig.Demand(account, "needle").ShouldBe((0, 1));
        await rig.ReopenAsync(() =>
        {
            var octets = File.ReadAllBytes(rig.File);
            Array.Clear(octets); // what is left of a disk that lost it
            File.WriteAllBytes(rig.File, octets);
        });
        rig.Index.Status().Waiting.ShouldBe(2);
    }

    [Fact]
    public async Task It_is_made_anew_when_somebody_wishes_so_while_searches_go_on()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        for (var i = 0; i < 10; i++) await rig.DeliverAsync(account, inbox, [.. Enumerable.Range(0, 50).Select(n => $"message {i * 50 + n} of many")]);
        (await rig.Index.RebuildAsync()).ShouldBeTrue(); // nobody else does it
        rig.Index.Status().Messages.ShouldBe(500);
        rig.Index.Start();
        await rig.SettleAsync();
        for (var i = 0; i < 5; i++)
        {
            (await rig.Index.RebuildAsync()).ShouldBeFalse();
            for (var n = 0; n < 20; n++) rig.Demand(account, $"message {n * 7} of");
        }
        await rig.SettleAsync();
        rig.Demand(account, "message 499 of").ShouldBe((0, 1));
        rig.Log.ShouldNotContain(l => l.StartsWith("9701 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_crash_in_the_middle_of_the_work_leaves_an_index_that_goes_on()
    {
        await using var rig = await IndexRig.OpenAsync();
        rig.StoreRig.ExpectClean = true;
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        for (var i = 0; i < 20; i++) await rig.DeliverAsync(account, inbox, [.. Enumerable.Range(0, 100).Select(n => $"crash message {i * 100 + n} of many words")]);
        rig.Index.Start();
        for (var n = 0; n < 5; n++)
        {
            await Task.Delay(60 + n * 40);
            await using var crashed = rig.StoreRig.Crash();
            File.Delete(Path.Combine(crashed.Root, "search.db-shm"));
            await crashed.ReopenAsync();
            await using var index = SearchIndex.Open(crashed.Store, TimeProvider.System, NullLogger.Instance);
            await index.CatchUpAsync();
            index.Status().ShouldSatisfyAllConditions(s => s.Messages.ShouldBe(2000), s => s.Waiting.ShouldBe(0));
            index.Find(account, "MESSAGE 1777 OF")!.Count.ShouldBe(1);
            index.Find(account, "CRASH MESSAGE")!.Count.ShouldBe(2000);
        }
    }

    [Fact]
    public async Task A_store_from_a_back_up_does_not_meet_an_index_of_its_future()
    {
        await using var rig = await IndexRig.OpenAsync();
        var (account, inbox) = await rig.StoreRig.AddAccountAsync("user");
        await rig.DeliverAsync(account, inbox, "one");
        await using var backup = rig.StoreRig.Crash();
        await rig.DeliverAsync(account, inbox, "two", "three");
        await rig.Index.CatchUpAsync();
        await rig.Index.DisposeAsync();
        foreach (var end in new[] { "", "-wal" })
            if (File.Exists(rig.File + end)) File.Copy(rig.File + end, Path.Combine(backup.Root, "search.db" + end), overwrite: true);
        await backup.ReopenAsync();
        await using var index = SearchIndex.Open(backup.Store, TimeProvider.System, NullLogger.Instance);
        index.Find(account, "NEEDLE").ShouldBeNull();
        var needle = await backup.DeliverAsync(account, inbox, "Subject: needle\r\n\r\n");
        (index.Find(account, "NEEDLE")?.MayFit(needle.MessageId) ?? true).ShouldBeTrue();
        rig.Open();
    }
}
