using Posthorn.Storage;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Storage;

public abstract class DirectorySuite : StoreSuite
{
    [Fact]
    public async Task Rows_come_back_as_written()
    {
        await using var rig = await OpenAsync();
        var salt = await rig.Store.WriteAsync(u =>
        {
            var domain = u.Directory.AddDomain("example.test", null);
            u.Directory.AddDomain("old.example", domain.Id);
            var account = u.Directory.AddAccount(domain.Id, "bøb", "Bøb ✉", "$5$hash", 1L << 40, "");
            u.Directory.AddAlias("*@example.test", ["bøb@example.test", "x@far.test"]);
            u.Directory.AddAppPassword(account.Id, "phone", [1], [], [3, 0, 3], 4096, "imap pop3", DateTimeOffset.UnixEpoch.AddDays(1));
            u.Directory.SetSecret("k", [0, 255]);
            u.Directory.SetSecret("k", [0, 254]);
            return account.ScramSalt;
        });
        await rig.ReopenAsync();
        rig.Store.Read(u =>
        {
            u.Directory.Domains().Select(d => (d.Name, d.AliasOf is null, d.Enabled)).ShouldBe([("example.test", true, true), ("old.example", false, true)]);
            var account = u.Directory.Accounts().ShouldHaveSingleItem();
            (account.LocalPart, account.Name, account.PasswordHash, account.Quota, account.Language).ShouldBe(("bøb", "Bøb ✉", "$5$hash", 1L << 40, ""));
            account.ScramSalt.ShouldBe(salt);
            salt.Length.ShouldBe(16);
            u.Directory.Aliases().ShouldHaveSingleItem().Targets.ShouldBe(["bøb@example.test", "x@far.test"]);
            var password = u.Directory.AppPasswords().ShouldHaveSingleItem();
            (password.Hash.Length, password.StoredKey.Length, password.ServerKey.Length, password.Iterations, password.Scopes, password.LastUsed)
                .ShouldBe((1, 0, 3, 4096, "imap pop3", null));
            password.Expires.ShouldBe(DateTimeOffset.UnixEpoch.AddDays(1));
            u.Directory.Secret("k").ShouldBe([0, 254]);
            u.Directory.Secret("none").ShouldBeNull();
            return 0;
        });
    }

    [Fact]
    public async Task A_change_bumps_the_version_and_tells_after_commit()
    {
        await using var rig = await OpenAsync();
        var told = 0;
        rig.Store.Changes.DirectoryChanged += () => told++;
        var before = rig.Store.Read(u => u.Directory.Version);
        await rig.AddAccountAsync("alice");
        told.ShouldBe(1);
        var after = rig.Store.Read(u => u.Directory.Version);
        after.ShouldBeGreaterThan(before);
        await Should.ThrowAsync<StoreException>(async () => await rig.AddAccountAsync("alice"));
        told.ShouldBe(1);
        rig.Store.Read(u => u.Directory.Version).ShouldBe(after);
    }

    [Fact]
    public async Task Routes_forwards_and_long_reverse_paths_come_back_as_written()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        var told = 0;
        rig.Store.Changes.DirectoryChanged += () => told++;
        var first = await rig.Store.WriteAsync(u => u.Directory.AddRoute(1, "far.test", "smtp:relay.test:25", "tls verified\nrate 5"));
        var second = await rig.Store.WriteAsync(u => u.Directory.AddRoute(2, "far.test", "hold", ""));
        told.ShouldBe(2);
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Directory.AddRoute(1, "far.test", "mx", "")));
        await rig.Store.WriteAsync(u => { u.Directory.SetRoute(first with { Transport = "discard", Settings = "" }); return 0; });
        await rig.Store.WriteAsync(u => { u.Directory.UpdateAccount(u.Directory.Account(alice)! with { Forward = ["a@far.test", "b@far.test"], KeepsForwarded = false }); return 0; });
        var number = await rig.Store.WriteAsync(u => u.ReversePaths.Use("long@far.test"));
        (await rig.Store.WriteAsync(u => u.ReversePaths.Use("long@far.test"))).ShouldBe(number);
        await rig.ReopenAsync();
        rig.Store.Read(u =>
        {
            u.Directory.Routes().Select(r => (r.Id, r.Kind, r.Pattern, r.Transport, r.Settings)).ShouldBe([(first.Id, 1, "far.test", "discard", ""), (second.Id, 2, "far.test", "hold", "")]);
            (u.Directory.Account(alice)!.Forward.Count, u.Directory.Account(alice)!.KeepsForwarded).ShouldBe((2, false));
            u.ReversePaths.Find(number).ShouldBe("long@far.test");
            return 0;
        });
        await rig.Store.WriteAsync(u => { u.Directory.RemoveRoute(first.Id); return u.ReversePaths.Forget(DateTimeOffset.MaxValue); });
        rig.Store.Read(u => (u.Directory.Routes().Count, u.ReversePaths.Find(number))).ShouldBe((1, null));
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => { u.Directory.RemoveRoute(first.Id); return 0; }));
    }

    [Fact]
    public async Task Refusals_change_nothing()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        var domain = rig.Account(alice).DomainId;
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => u.Directory.AddDomain("example.test", null)));
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => { u.Directory.RemoveDomain(domain); return 0; }));
        await Should.ThrowAsync<StoreException>(async () => await rig.Store.WriteAsync(u => { u.Directory.RemoveAlias(99); return 0; }));
        rig.Store.Read(u => u.Directory.Domains()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Changing_and_removing()
    {
        await using var rig = await OpenAsync();
        var (alice, _) = await rig.AddAccountAsync("alice");
        await rig.Store.WriteAsync(u =>
        {
            u.Directory.UpdateAccount(u.Directory.Account(alice)! with { Name = "A", PasswordHash = "p", Enabled = false, Quota = 5, Language = "de" });
            var alias = u.Directory.AddAlias("a@*", ["alice@example.test"]);
            u.Directory.UpdateAlias(alias with { Pattern = "b@*", Targets = ["x@y.test"], Enabled = false });
            var password = u.Directory.AddAppPassword(alice, "p", [1], [2], [3], 1, "all", null);
            u.Directory.TouchAppPassword(password.Id, DateTimeOffset.UnixEpoch.AddYears(9));
            u.Directory.SetDomainEnabled(u.Directory.Domains()[0].Id, false);
            u.Directory.SetScramSalt(alice, [1, 0, 255]);
            Should.Throw<StoreException>(() => u.Directory.SetScramSalt(alice + 1, [1]));
            return 0;
        });
        rig.Account(alice).ScramSalt.ShouldBe([1, 0, 255]);
        rig.Account(alice).ShouldSatisfyAllConditions(
            a => a.Name.ShouldBe("A"), a => a.PasswordHash.ShouldBe("p"), a => a.Enabled.ShouldBeFalse(), a => a.Quota.ShouldBe(5), a => a.Language.ShouldBe("de"));
        rig.Store.Read(u => u.Directory.Aliases())[0].ShouldSatisfyAllConditions(a => a.Pattern.ShouldBe("b@*"), a => a.Enabled.ShouldBeFalse());
        rig.Store.Read(u => u.Directory.AppPasswords())[0].LastUsed.ShouldBe(DateTimeOffset.UnixEpoch.AddYears(9));
        await rig.Store.WriteAsync(u =>
        {
            u.Directory.RemoveAlias(u.Directory.Aliases()[0].Id);
            u.Directory.RemoveAccount(alice);
            u.Directory.RemoveDomain(u.Directory.Domains()[0].Id);
            return 0;
        });
        rig.Store.Read(u => u.Directory.AppPasswords().Count + u.Directory.Accounts().Count + u.Directory.Aliases().Count + u.Directory.Domains().Count).ShouldBe(0);
    }

    [Fact]
    public async Task Removing_an_account_lets_shared_bodies_live()
    {
        await using var rig = await OpenAsync();
        var (alice, aliceInbox) = await rig.AddAccountAsync("alice");
        var (bob, bobInbox) = await rig.AddAccountAsync("bob");
        await rig.DeliverAsync(alice, aliceInbox, "only hers");
        await rig.DeliverAsync(alice, aliceInbox, "shared");
        await rig.DeliverAsync(alice, aliceInbox, "shared");
        var kept = await rig.DeliverAsync(bob, bobInbox, "shared");
        await rig.Store.WriteAsync(u => { u.Directory.RemoveAccount(alice); return 0; });
        rig.Body(rig.Load(bob, kept.MessageId).Blob).ShouldBe("shared"u8.ToArray());
        rig.Store.Read(u => u.Blobs.After(0)).Count.ShouldBe(1);
        // Its ids never come back.
        (await rig.AddAccountAsync("alice")).Account.ShouldBeGreaterThan(bob);
    }

    [Fact]
    public async Task Queries_cannot_write()
    {
        await using var rig = await OpenAsync();
        Should.Throw<Exception>(() => rig.Store.Read(u => u.Directory.AddDomain("x.test", null)));
        rig.Store.Read(u => u.Directory.Domains()).ShouldBeEmpty();
    }
}
