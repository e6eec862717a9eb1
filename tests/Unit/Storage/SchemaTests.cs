using Posthorn.Storage;
using Posthorn.Storage.Migrations;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class SchemaTests
{
    [Fact]
    public async Task An_older_store_is_upgraded_after_a_snapshot()
    {
        await using var rig = await StoreRig.OpenAsync();
        rig.ExpectClean = false;
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        await rig.DeliverAsync(alice, inbox, "kept");
        await rig.ReopenAsync([.. Schema.Known, "CREATE TABLE extra (id {identity}); INSERT INTO extra (id) VALUES (7)"]);
        rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox)).Count.ShouldBe(1);
        File.Exists(Path.Combine(rig.Root, "snapshots", $"meta-before-{Schema.Known.Count + 1}.db")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_newer_store_is_refused_by_name_and_left_as_it_is()
    {
        await using var rig = await StoreRig.OpenAsync();
        rig.ExpectClean = false;
        var newer = Schema.Known.Append("CREATE TABLE extra (id {identity})").ToList();
        await rig.ReopenAsync(newer);
        var error = await Should.ThrowAsync<StoreException>(async () => await rig.ReopenAsync());
        error.Message.ShouldBe($"this store has schema {newer.Count}; this program knows up to {Schema.Known.Count}: upgrade posthorn");
        await rig.ReopenAsync(newer);
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_the_store_as_it_was()
    {
        await using var rig = await StoreRig.OpenAsync();
        await rig.AddAccountAsync("alice");
        await Should.ThrowAsync<StoreException>(async () => await rig.ReopenAsync([.. Schema.Known, "CREATE TABLE extra (id {identity}); DROP TABLE nowhere"]));
        await rig.ReopenAsync();
        rig.Store.Read(u => u.Directory.Accounts()).Count.ShouldBe(1);
    }
}
