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

    [Theory, InlineData(false), InlineData(true)]
    public async Task Accounts_of_schema_6_have_no_threads_and_maybe_no_folders_yet(bool postgres)
    {
        await using var rig = await StoreRig.OpenAsync(postgres ? await cluster.NewDatabaseAsync() : null, migrations: [.. Schema.Known.Take(6)]);
        rig.ExpectClean = false;
        await rig.Store.WriteAsync(u =>
        {
            u.Session.RunScript("""
                INSERT INTO domains (id, name, enabled, created) VALUES (1, 'x.test', 1, 0);
                INSERT INTO accounts (id, domain_id, local_part, name, enabled, quota, used, messages, change, uid_validity, language, scram_salt, created)
                VALUES (5, 1, 'old', '', 1, 0, 10, 3, 40, 1, 'en', '', 0), (6, 1, 'made', '', 1, 0, 0, 0, 7, 1, 'en', '', 0);
                INSERT INTO mailboxes (account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed)
                VALUES (5, 'INBOX', 1, 1, 4, 40, 3, 0, 10, 1), (6, 'INBOX', 1, 1, 1, 1, 0, 0, 0, 1), (6, 'Drafts', 2, 2, 1, 2, 0, 0, 0, 1);
                """);
            return 0;
        });
        await rig.ReopenAsync();
        rig.Store.Read(u => u.Directory.AccountsWithoutFolders()).ShouldBe([5]);
        rig.Store.Read(u => u.Threads.Unknown(5)).ShouldBe((5L << 40, (5L << 40) + 41));
        rig.Store.Read(u => u.Threads.Unfinished()).ShouldBe([(5L, 5L << 40)]);
        var row = rig.Account(5);
        (row.MessageQuota, row.Keys, row.HasQuota).ShouldBe((0, null, false));
        await rig.Store.WriteAsync(u => { u.Directory.UpdateAccount(row with { MessageQuota = 3, Keys = new([.. Enumerable.Repeat((byte)1, 32)], new byte[32], 9) }); return 0; });
        row = rig.Account(5);
        (row.HasRoom(1, 0), row.HasRoom(1, 1), row.Keys!.StoredKey[31], row.Keys.ServerKey[0], row.Keys.Rounds).ShouldBe((true, false, (byte)1, (byte)0, 9));
    }
}
