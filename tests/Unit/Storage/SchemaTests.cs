using Posthorn.Storage;
using Posthorn.Storage.Migrations;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class SchemaTests(PostgresCluster cluster)
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

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_queue_of_schema_1_is_delivered_by_this_program(bool postgres)
    {
        await using var rig = await StoreRig.OpenAsync(postgres ? await cluster.NewDatabaseAsync() : null, migrations: [Schema.Known[0]]);
        await using var blob = rig.Store.NewBlob();
        blob.Write("waits since schema 1"u8);
        await rig.Store.WriteAsync(u =>
        {
            var body = u.Store(blob);
            u.Reference(body);
            u.Session.RunScript($"""
                INSERT INTO queue_messages (id, trace, reverse_path, blob_id, prefix, sender, body, smtp_utf8, size, received)
                VALUES (3, 77, 's@x.test', {body.BlobId}, '', 0, '7BIT', 0, {body.Length}, 1000000);
                INSERT INTO queue_recipients (message_id, address, original, state, due, attempts, last_reply, lease_generation)
                VALUES (3, 'a@Far.Test', 'a', 1, 1000000, 0, '', 0), (3, '"odd@one"@sub.far.test', 'b', 1, 1000001, 0, '', 0),
                       (3, 'c@[192.0.2.1]', 'c', 3, 1000000, 0, '', 0), (3, 'nobody', 'd', 3, 1000000, 0, '', 0);
                """);
            return 0;
        });
        await rig.ReopenAsync();
        rig.Store.Read(u => u.Queue.Waiting(true, default, rig.Clock.GetUtcNow(), 9)).Select(w => (w.Address, w.Domain)).ShouldBe(
            [("a@Far.Test", "far.test"), ("\"odd@one\"@sub.far.test", "sub.far.test")]);
        rig.Store.Read(u => u.Queue.List(new(Domain: "[192.0.2.1]"), 0, 9)).ShouldHaveSingleItem().State.ShouldBe(RecipientState.Held);
        rig.Store.Read(u => u.Queue.Message(3))!.Trust.ShouldBe(SenderTrust.Unproven);
        (await rig.Store.WriteAsync(u => u.Queue.Release(new(), 9))).Count.ShouldBe(2);
        var claimed = await rig.Store.WriteAsync(u => u.Queue.Claim([.. u.Queue.Waiting(true, default, rig.Clock.GetUtcNow(), 9).Select(w => w.Id)], new("n/1", rig.Clock.GetUtcNow(), rig.Clock.GetUtcNow())));
        claimed.Count.ShouldBe(4);
        foreach (var one in claimed)
            (await rig.Store.WriteAsync(u => u.Queue.Deliver(one, "250"))).ShouldBeTrue();
        rig.Store.Read(u => u.Blobs.After(0)).ShouldBeEmpty();
        (await rig.Store.WriteAsync(u => u.Queue.Forget(DateTimeOffset.MaxValue, 9))).ShouldBe(1);
    }
}
