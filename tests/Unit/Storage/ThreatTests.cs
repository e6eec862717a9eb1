using Posthorn.Accounts;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

/// <summary>Rows of the threat table (docs/threats.md) that concern the store.</summary>
public class ThreatTests
{
    [Fact]
    public async Task Poison_record()
    {
        await using var rig = await StoreRig.OpenAsync();
        rig.ExpectClean = false;
        var (alice, inbox) = await rig.AddAccountAsync("alice");
        var messages = new List<long>();
        for (var i = 0; i < 5; i++) messages.Add((await rig.DeliverAsync(alice, inbox, "body " + i)).MessageId);
        var trace = rig.Store.NewTraceId();
        await rig.Store.WriteAsync(u =>
        {
            u.Directory.AddAlias("good@example.test", ["alice@example.test"]);
            u.Events.Add(trace, EventKind.Received, alice, "{}");
            u.Events.Add(trace, EventKind.Filed, alice, "{}");
            var blob = u.Mailboxes.Load(alice, [messages[0]])[0].Blob;
            u.Queue.Add(new NewQueued(trace, "", blob, [], 0, "7BIT", false, null, null, DateTimeOffset.UnixEpoch, [new("x@far.example", "x", null, null), new("y@far.example", "y", null, null)]));
            return 0;
        });
        // A bad row in each table that is scanned.
        await rig.Store.WriteAsync(u =>
        {
            u.Session.RunScript($"""
                INSERT INTO domains (name, alias_of, enabled, created) VALUES ('no domain', 77, 1, 300000000000000000), ('loop.test', 99, 1, -300000000000000000);
                INSERT INTO accounts (domain_id, local_part, name, password_hash, enabled, quota, used, messages, change, uid_validity, language, scram_salt, created)
                VALUES (4711, 'lost', '', NULL, 1, 0, 0, 0, 0, 0, 'en', x'', 300000000000000000), (1, '', '', '$bad$', 7, -1, -5, -5, 0, 0, '', x'00', -1);
                INSERT INTO aliases (pattern, targets, enabled, created) VALUES ('no pattern', '', 1, 300000000000000000), ('x@example.test', char(10), 1, 0);
                INSERT INTO app_passwords (account_id, name, hash, stored_key, server_key, iterations, scopes, expires, last_used, created)
                VALUES (4711, '', x'', x'', x'', -1, '?', 300000000000000000, -300000000000000000, 0), ({alice}, '', x'', x'', x'', 0, '?', 300000000000000000, 0, 0);
                UPDATE mailboxes SET role = 99, messages = -1 WHERE id = {inbox};
                UPDATE messages SET received = 300000000000000000, trace = -1, structure = x'ff' WHERE id = {messages[1]};
                UPDATE messages SET blob_id = 4711 WHERE id = {messages[2]};
                UPDATE blobs SET pack = 4711 WHERE id = (SELECT blob_id FROM messages WHERE id = {messages[3]});
                UPDATE placements SET received = 300000000000000000, saved = -300000000000000000, flags = -1 WHERE message_id = {messages[1]};
                UPDATE events SET happened = 300000000000000000, kind = 99, detail = 'no json' WHERE kind = 1;
                UPDATE queue_recipients SET due = -300000000000000000, state = 99 WHERE address = 'x@far.example';
                UPDATE changes SET kind = 77 WHERE number = 2;
                """);
            return 0;
        });

        using var directory = new AccountDirectory(rig.Store, new AccountOptions());
        foreach (var address in new[] { "alice@example.test", "good@example.test" })
            directory.Resolve(EmailAddress.TryParse(address)!).Destinations.ShouldHaveSingleItem().ShouldBeOfType<Destination.Local>().AccountId.ShouldBe(alice);
        foreach (var address in new[] { "lost@example.test", "x@example.test", "a@loop.test", "no@no pattern" })
            if (EmailAddress.TryParse(address) is { } odd) directory.Resolve(odd).Status.ShouldNotBe(ResolutionStatus.Found);
        directory.ByLogin("alice@example.test")!.Id.ShouldBe(alice);

        rig.Store.Read(u => u.Mailboxes.List(alice)).Count.ShouldBe(1);
        rig.Store.Read(u => u.Mailboxes.Maildrop(alice, inbox)).Count.ShouldBe(5);
        rig.Store.Read(u => u.Mailboxes.Placements(alice, inbox)).Count.ShouldBe(5);
        rig.Store.Read(u => u.Mailboxes.Load(alice, messages.ToArray())).Select(m => m.MessageId).ShouldBe(messages.Where((_, i) => i != 2));
        foreach (var i in new[] { 0, 1, 4 }) rig.Body(rig.Load(alice, messages[i]).Blob).Length.ShouldBe(6);
        Should.Throw<StoreDamageException>(() => rig.Store.OpenBlob(rig.Load(alice, messages[3]).Blob));
        rig.Store.Read(u => u.Mailboxes.ChangesSince(alice, 0)).Count.ShouldBeGreaterThan(4);
        rig.Store.Read(u => u.Events.Of(trace)).Count.ShouldBe(2);
        rig.Store.Read(u => u.Queue.List(new QueueFilter(Open: null), 0, 1000)).Count.ShouldBe(2);

        // The alarm: all of it is named.
        var found = (await rig.VerifyAsync()).Findings;
        foreach (var i in new[] { 2, 3 }) found.ShouldContain(f => f.Text.Contains($"{messages[i]}") || f.Name == $"{messages[i]}");
        found.Count.ShouldBeGreaterThan(4);
    }

    [Fact]
    public async Task SQL_LDAP_injection()
    {
        await using var rig = await StoreRig.OpenAsync();
        foreach (var quote in new[] { "'", "''", "\"", "`", "'; DROP TABLE accounts; --", "x' OR '1'='1", "$1", "?1", "%", "_", "\\", "*)(uid=*", "/* */", "\0", "name' UNION SELECT 1 --" })
        {
            var name = quote + "x";
            var account = await rig.Store.WriteAsync(u =>
            {
                var domain = u.Directory.AddDomain(name, null);
                var row = u.Directory.AddAccount(domain.Id, name, name, name, 0, name);
                u.Directory.UpdateAccount(row with { Name = name + name });
                u.Directory.AddAlias(name, [name]);
                u.Directory.AddAppPassword(row.Id, name, [1], [2], [3], 4096, name, null);
                u.Directory.SetSecret(name, [9]);
                u.Mailboxes.Create(row.Id, name);
                return row.Id;
            });
            var mailbox = rig.Store.Read(u => u.Mailboxes.Find(account, name)).ShouldNotBeNull(quote);
            mailbox.Name.ShouldBe(name);
            var filed = await rig.DeliverAsync(account, mailbox.Id, "body");
            await rig.Store.WriteAsync(u =>
            {
                u.Mailboxes.SetFlags(account, mailbox.Id, [filed.Uid], default, default, [quote.Replace(" ", "").Replace("\0", "") + "k"]);
                u.Events.Add(rig.Store.NewTraceId(), EventKind.Filed, account, name);
                u.Queue.Add(new NewQueued(rig.Store.NewTraceId(), name, u.Mailboxes.Load(account, [filed.MessageId])[0].Blob, [], account, name, false, name, name, DateTimeOffset.UnixEpoch, [new(name, name, name, name)]));
                return 0;
            });
            rig.Account(account).Name.ShouldBe(name + name);
            rig.Store.Read(u => u.Directory.Aliases()).ShouldContain(a => a.Pattern == name);
            rig.Store.Read(u => u.Directory.Secret(name)).ShouldBe([9]);
            rig.Store.Read(u => u.Queue.List(new QueueFilter(Open: null), 0, 1000)).ShouldContain(q => q.Address == name && q.ReversePath == name);
        }
        rig.Store.Read(u => u.Directory.Accounts()).Count.ShouldBe(15);
        rig.ExpectClean = false; // names that no rule of addresses would let in
    }
}
