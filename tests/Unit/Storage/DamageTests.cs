using System.Security.Cryptography;
using Posthorn.Storage;
using Posthorn.Storage.Verify;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public class DamageTests
{
    static async Task<(StoreRig Rig, long Alice, List<long> Messages)> FilledAsync(int count, int size = 1000)
    {
        var rig = await StoreRig.OpenAsync();
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var messages = new List<long>();
        for (var i = 0; i < count; i++)
            messages.Add((await rig.DeliverAsync(alice, inbox, RandomNumberGenerator.GetBytes(size))).MessageId);
        return (rig, alice, messages);
    }

    static void Patch(string path, long offset, Action<byte[]> change, int length = 1)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var octets = new byte[length];
        RandomAccess.Read(file, octets, offset);
        change(octets);
        RandomAccess.Write(file, octets, offset);
    }

    [Fact]
    public async Task Silent_corruption_is_found_named_and_never_served()
    {
        var (rig, alice, messages) = await FilledAsync(40);
        await using var _ = rig;
        rig.ExpectClean = false;
        var random = new Random(7);
        var hit = new HashSet<long>();
        foreach (var id in messages.Where((_, i) => i % 4 == 1))
        {
            var blob = rig.Load(alice, id).Blob;
            Patch(Path.Combine(rig.Root, "blobs", $"pack-{blob.Pack:00000000}"), blob.Offset + random.Next((int)blob.Length), o => o[0] ^= (byte)(1 << random.Next(8)));
            hit.Add(blob.BlobId);
        }
        foreach (var id in messages)
        {
            var blob = rig.Load(alice, id).Blob;
            if (hit.Contains(blob.BlobId))
                Should.Throw<StoreDamageException>(() => rig.Store.OpenBlob(blob)).Message.ShouldContain($"blob {blob.BlobId} ");
            else
                rig.Body(blob).Length.ShouldBe(1000);
        }
        var report = await rig.VerifyAsync();
        report.Findings.Where(f => f.Severity == Severity.Damage).Select(f => long.Parse(f.Name)).ShouldBe(hit, ignoreOrder: true);
        report.Findings.ShouldAllBe(f => f.Kind == "body" && f.Text.Contains("messages: "));
        (report.Bodies, report.Messages, report.Clean).ShouldBe((40L, 40L, false));
    }

    [Fact]
    public async Task A_damaged_large_body_is_found()
    {
        var (rig, alice, messages) = await FilledAsync(2, 2 << 20);
        await using var _ = rig;
        rig.ExpectClean = false;
        var blobs = messages.Select(id => rig.Load(alice, id).Blob).ToList();
        var paths = blobs.Select(b => rig.Store.Files.Folder.BigPath(b.Hash)).ToList();
        // Swapped: each is whole, and the other's.
        File.Move(paths[0], paths[0] + ".x");
        File.Move(paths[1], paths[0]);
        File.Move(paths[0] + ".x", paths[1]);
        Should.Throw<StoreDamageException>(() => rig.Store.OpenBlob(blobs[0]));
        (await rig.VerifyAsync()).Findings.Count(f => f.Severity == Severity.Damage).ShouldBe(2);
        File.Delete(paths[0]);
        Should.Throw<StoreDamageException>(() => rig.Store.OpenBlob(blobs[0]));
        (await rig.VerifyAsync()).Findings.Count(f => f.Severity == Severity.Damage).ShouldBe(2);
    }

    [Fact]
    public async Task A_missing_pack_and_a_stray_file_are_named()
    {
        var (rig, alice, messages) = await FilledAsync(3);
        await using var _ = rig;
        rig.ExpectClean = false;
        var blob = rig.Load(alice, messages[0]).Blob;
        await rig.Store.DisposeAsync();
        File.Delete(Path.Combine(rig.Root, "blobs", "pack-00000001"));
        await File.WriteAllTextAsync(Path.Combine(rig.Root, "blobs", "notes.txt"), "?");
        var report = await rig.VerifyAsync();
        report.Findings.Count(f => f.Kind == "body").ShouldBe(3);
        report.Findings.ShouldContain(f => f.Kind == "file" && f.Name == "blobs/notes.txt");
    }

    [Fact]
    public async Task Numbers_that_do_not_add_up_are_found_and_can_be_recounted()
    {
        var (rig, alice, messages) = await FilledAsync(3);
        await using var _ = rig;
        await rig.Store.WriteAsync(u =>
        {
            u.Session.RunScript("UPDATE accounts SET used = used + 5; UPDATE mailboxes SET unseen = 1; UPDATE blobs SET refs = 9 WHERE id = 2");
            return 0;
        });
        var report = await rig.VerifyAsync();
        report.Findings.Select(f => f.Kind).ShouldBe(["body", "mailbox", "account"]);
        await StoreRecount.RunAsync(rig.Store);
        rig.Account(alice).Used.ShouldBe(3000);
    }

    [Fact]
    public async Task Broken_references_are_found_one_by_one()
    {
        var (rig, _, messages) = await FilledAsync(6);
        await using var _ = rig;
        rig.ExpectClean = false;
        await rig.Store.WriteAsync(u =>
        {
            u.Session.RunScript($"""
                DELETE FROM blobs WHERE id = 1; DELETE FROM messages WHERE id = {messages[1]};
                DELETE FROM placements WHERE message_id = {messages[2]}; UPDATE placements SET modseq = 999 WHERE message_id = {messages[3]};
                UPDATE messages SET structure = x'ff' WHERE id = {messages[4]}; UPDATE changes SET kind = 77 WHERE number = 1
                """);
            return 0;
        });
        var findings = (await rig.VerifyAsync()).Findings;
        findings.ShouldContain(f => f.Kind == "message" && f.Name == $"{messages[0]}" && f.Text.Contains("body 1"));
        findings.ShouldContain(f => f.Kind == "placement" && f.Name == $"{messages[1]}");
        findings.ShouldContain(f => f.Kind == "message" && f.Name == $"{messages[2]}" && f.Text.Contains("no mailbox"));
        findings.ShouldContain(f => f.Kind == "placement" && f.Name == $"{messages[3]}" && f.Text.Contains("MODSEQ"));
        findings.ShouldContain(f => f.Kind == "change log");
        findings.ShouldContain(f => f.Kind == "mailbox");
        findings.ShouldContain(f => f.Kind == "account");
    }

    [Fact]
    public async Task What_is_left_of_shared_mailboxes_is_found()
    {
        var (rig, alice, _) = await FilledAsync(1);
        await using var __ = rig;
        rig.ExpectClean = false;
        await rig.Store.WriteAsync(u =>
        {
            u.Session.RunScript($"""
                INSERT INTO mailbox_rights (mailbox_id, grantee_id, rights) VALUES (1, 0, 'lr'), (1, 99, 'lr'), (98, {alice}, 'lr');
                INSERT INTO annotations (mailbox_id, account_id, name, value) VALUES (0, {alice}, '/a', x'00'), (1, 0, '/a', x'00'), (97, 0, '/a', x'00'), (1, 99, '/a', x'00');
                INSERT INTO url_keys (mailbox_id, account_id, secret) VALUES (1, {alice}, x'00'), (96, {alice}, x'00')
                """);
            return 0;
        });
        var findings = (await rig.VerifyAsync()).Findings;
        findings.Select(f => f.Name).ShouldBe(["1", "98", "1", "97", "96"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_store_that_is_no_database_is_a_finding()
    {
        var (rig, _, _) = await FilledAsync(1);
        await using var _ = rig;
        rig.ExpectClean = false;
        await rig.Store.DisposeAsync();
        await File.WriteAllBytesAsync(Path.Combine(rig.Root, "meta.db"), RandomNumberGenerator.GetBytes(20000));
        (await rig.VerifyAsync()).Findings.ShouldHaveSingleItem().Kind.ShouldBe("store");
        await Should.ThrowAsync<StoreException>(async () => await rig.ReopenAsync());
    }

    [Fact]
    public async Task Verifying_beside_the_running_server()
    {
        var (rig, _, _) = await FilledAsync(5);
        await using var _ = rig;
        (await rig.VerifyAsync()).ShouldSatisfyAllConditions(r => r.Findings.ShouldBeEmpty(), r => r.Bodies.ShouldBe(5), r => r.Packs.ShouldBe(1));
        StoreVerifier.Run(rig.Store).Clean.ShouldBeTrue();
    }
}
