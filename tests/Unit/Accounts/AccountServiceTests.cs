using System.Text;
using Posthorn.Accounts;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Plans;
using Posthorn.Accounts.Service;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class AccountServiceTests : IAsyncLifetime
{
    readonly PasswordKdf _kdf = new(threads: 1);
    TestStore _store = null!;
    AccountService _service = null!;
    AccountDirectory _directory = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await TestStore.OpenAsync();
        _service = new(_store.Store, _kdf, new(), TimeProvider.System);
        _directory = new(_store.Store, new());
    }

    public async ValueTask DisposeAsync()
    {
        _directory.Dispose();
        await _store.DisposeAsync();
        _kdf.Dispose();
    }

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task Small()
    {
        await _service.AddDomainAsync("Example.test", Ct);
        await _service.AddDomainAliasAsync("old.example", "example.test", Ct);
        await _service.AddAccountAsync(new() { Address = "Alice@example.test" }, Ct);
        await _service.AddAccountAsync(new() { Address = "bob@example.test" }, Ct);
        await _service.AddAliasAsync("Sales@example.test", ["alice@old.example", "Alice@old.example", "x@far.example"], Ct);
    }

    static async Task Refused(string code, string text, Func<Task> act)
    {
        var refusal = await Should.ThrowAsync<AccountRefusal>(act);
        refusal.Message.ShouldBe(text);
        refusal.Code.ShouldBe(code);
    }

    [Theory]
    [InlineData("", "Archive Drafts INBOX Junk Sent Trash")]
    [InlineData("en-GB", "Archive Drafts INBOX Junk Sent Trash")]
    [InlineData("de", "Archiv Entwürfe Gesendet INBOX Papierkorb Spam")]
    [InlineData("tlh", "Archive Drafts INBOX Junk Sent Trash")]
    public async Task An_account_begins_with_folders_in_its_language(string language, string names)
    {
        await _service.AddDomainAsync("example.test", Ct);
        var account = await _service.AddAccountAsync(new() { Address = "alice@example.test", Language = language }, Ct);
        var made = _store.Store.Read(u => u.Mailboxes.List(u.Directory.Accounts().Single().Id));
        string.Join(' ', made.Select(m => m.Name).Order(StringComparer.Ordinal)).ShouldBe(names);
        made.Select(m => m.Role).Order().ShouldBe(Enum.GetValues<Posthorn.Storage.Messages.MailboxRole>().Where(r => r != Posthorn.Storage.Messages.MailboxRole.None));
        made.ShouldAllBe(m => m.Subscribed);
    }

    [Fact]
    public async Task Each_change_is_in_the_picture_once_it_is_answered()
    {
        await Small();
        _directory.IsLocalDomain("old.example").ShouldBeTrue();
        Picture.Words(_directory.Resolve(EmailAddress.TryParse("sales@old.example")!)).ShouldBe(["alice@example.test", "→ x@far.example"]);
        await _service.SetEnabledAsync("alice@example.test", false, Ct);
        _directory.Resolve(EmailAddress.TryParse("alice@example.test")!).Status.ShouldBe(ResolutionStatus.Disabled);
        await _service.RemoveAliasAsync("sales@example.test", ct: Ct);
        _directory.Resolve(EmailAddress.TryParse("sales@old.example")!).Status.ShouldBe(ResolutionStatus.NoSuchUser);
    }

    [Fact]
    public async Task Shows_what_there_is_without_secrets()
    {
        await Small();
        await _service.SetPasswordAsync("bob@old.example", "a decent password", Ct);
        await _service.SetQuotaAsync("bob@example.test", 5 << 20, 1000, Ct);
        await _service.SetNameAsync("bob@example.test", "Bob", Ct);
        _service.Domains().ShouldHaveSingleItem().Aliases.ShouldBe(["old.example"]);
        _service.Domain("old.example").Accounts.ShouldBe(2);
        _service.Accounts().Select(a => a.Address).ShouldBe(["alice@example.test", "bob@example.test"]);
        var bob = _service.Account("bob@example.test");
        (bob.Name, bob.Quota, bob.MessageQuota, bob.PasswordScheme).ShouldBe(("Bob", 5 << 20, 1000, Argon2.Available ? "argon2id" : "pbkdf2-sha256"));
        _service.Account("alice@example.test").PasswordScheme.ShouldBeNull();
        _service.Aliases().ShouldHaveSingleItem().Targets.ShouldBe(["alice@old.example", "x@far.example"]);
    }

    [Fact]
    public async Task Refusals_say_why_and_change_nothing()
    {
        await Small();
        var before = _service.Export().ToString();
        await Refused("exists", "example.test is there already", async () => await _service.AddDomainAsync("EXAMPLE.test", Ct));
        await Refused("exists", "old.example is there already, as another name of example.test", async () => await _service.AddDomainAsync("old.example", Ct));
        await Refused("bad-input", "\"a b\" is no domain name", async () => await _service.AddDomainAsync("a b", Ct));
        await Refused("not-found", "there is no domain far.example", async () => await _service.AddDomainAliasAsync("x.example", "far.example", Ct));
        await Refused("exists", "Bob@example.test is there already", async () => await _service.AddAccountAsync(new() { Address = "Bob@example.test" }, Ct));
        await Refused("domain", "far.example is not one of our domains: add it first", async () => await _service.AddAccountAsync(new() { Address = "x@far.example" }, Ct));
        await Refused("domain", "old.example is another name of example.test: add x@example.test", async () => await _service.AddAccountAsync(new() { Address = "x@old.example" }, Ct));
        await Refused("bad-input", "a+b@example.test: an account cannot have \"+\" (which parts off a tag) or \"*\" in its name", async () => await _service.AddAccountAsync(new() { Address = "a+b@example.test" }, Ct));
        await Refused("account", "alias sales@example.test: this is an account, which would get no more mail; to send copies on, name sales@example.test among the targets too",
            async () => await _service.AddAccountAsync(new() { Address = "sales@example.test" }, Ct));
        await Refused("password", "the password is too short: at least 12 characters are needed", async () => await _service.SetPasswordAsync("bob@example.test", "short", Ct));
        await Refused("bad-input", "the password hash is of no known kind (Argon2, PBKDF2, crypt(3), {SSHA}, …)", async () => await _service.AddAccountAsync(new() { Address = "x@example.test", PasswordHash = "plain" }, Ct));
        await Refused("not-found", "there is no account eve@example.test", async () => await _service.SetQuotaAsync("eve@example.test", 1, ct: Ct));
        await Refused("target", "alias info@* leads to nobody@example.test, but there is no such address here", async () => await _service.AddAliasAsync("info@*", ["nobody@example.test"], Ct));
        await Refused("exists", "alias sales@example.test is there already", async () => await _service.AddAliasAsync("SALES@example.test", ["bob@example.test"], Ct));
        await Refused("in-use", "domain example.test has accounts, whose mail would be lost: remove them first: alice@example.test, bob@example.test", async () => await _service.RemoveDomainAsync("example.test", force: true, Ct));
        await Refused("in-use", "account alice@example.test is still needed: without it alias sales@example.test leads to alice@old.example, but there is no such address here",
            async () => await _service.RemoveAccountAsync("alice@example.test", ct: Ct));
        _service.Export().ToString().ShouldBe(before);
    }

    [Fact]
    public async Task Loops_refused()
    {
        await Small();
        await _service.AddAliasAsync("b@example.test", ["sales@example.test"], Ct);
        await _service.AddAliasAsync("c@example.test", ["b@old.example"], Ct);
        await _service.RemoveAliasAsync("sales@example.test", force: true, Ct);
        await Refused("loop", "alias sales@example.test leads into a loop: sales@example.test → c@example.test → b@example.test → sales@example.test; "
            + "alias b@example.test leads into a loop: b@example.test → sales@example.test → c@example.test → b@example.test; "
            + "alias c@example.test leads into a loop: c@example.test → b@example.test → sales@example.test → c@example.test",
            async () => await SortedProblems(() => _service.AddAliasAsync("sales@example.test", ["c@old.example"], Ct)));
    }

    // The store gives aliases in the order of their patterns; the sentence starts with the one being saved.
    async Task SortedProblems(Func<ValueTask<AliasView>> act)
    {
        try
        {
            await act();
        }
        catch (AccountRefusal refusal)
        {
            throw new AccountRefusal(refusal.Code, string.Join("; ", refusal.Message.Split("; ").OrderByDescending(t => t.StartsWith("alias sales", StringComparison.Ordinal))));
        }
    }

    [Fact]
    public async Task Forced_removals_take_what_hangs_on_it()
    {
        await Small();
        await _service.RemoveAccountAsync("alice@example.test", force: true, Ct);
        await _service.RemoveAccountAsync("bob@example.test", ct: Ct);
        await Refused("in-use", "domain example.test is still needed by old.example, sales@example.test", async () => await _service.RemoveDomainAsync("example.test", ct: Ct));
        await _service.RemoveDomainAsync("example.test", force: true, Ct);
        _service.Domains().ShouldBeEmpty();
        _service.Aliases().ShouldBeEmpty();
        _directory.IsLocalDomain("old.example").ShouldBeFalse();
    }

    [Fact]
    public async Task App_passwords_are_shown_once_listed_and_revoked()
    {
        await Small();
        var made = await _service.AddAppPasswordAsync("bob@example.test", "phone", ["imap", "smtp"], null, Ct);
        made.Secret.ShouldMatch("^([a-z2-7]{4}-){6}[a-z2-7]{2}$");
        made.AppPassword.Scopes.ShouldBe(["imap", "smtp"]);
        _service.AppPasswords("bob@example.test").ShouldHaveSingleItem().Name.ShouldBe("phone");
        _service.Account("bob@example.test").AppPasswords.ShouldBe(1);
        await Refused("exists", "bob@example.test has an app password \"Phone\" already", async () => await _service.AddAppPasswordAsync("bob@example.test", "Phone", [], null, Ct));
        await Refused("bad-input", "\"imaps\" is no scope; there are smtp, pop3, imap, jmap, sieve, dav", async () => await _service.AddAppPasswordAsync("bob@example.test", "x", ["imaps"], null, Ct));
        await Refused("bad-input", "the app password would have run out already", async () => await _service.AddAppPasswordAsync("bob@example.test", "x", [], DateTimeOffset.UnixEpoch, Ct));
        await _service.RevokeAppPasswordAsync("bob@example.test", "PHONE", Ct);
        await Refused("not-found", "bob@example.test has no app password \"phone\"", async () => await _service.RevokeAppPasswordAsync("bob@example.test", "phone", Ct));
    }

    [Fact]
    public async Task Export_applied_to_an_empty_store_gives_the_same_export()
    {
        await _service.ApplyAsync(Plan.Parse(Encoding.UTF8.GetBytes(PlanTests.Example)), ct: Ct);
        var text = _service.Export().ToString();
        text.Count(c => c == '\n').ShouldBeLessThanOrEqualTo(25);
        var plan = Plan.Parse(Encoding.UTF8.GetBytes(text));
        _service.Diff(plan, prune: true).ShouldBeEmpty();
        (await _service.ApplyAsync(plan, prune: true, Ct)).ShouldBeEmpty();

        await using var other = await TestStore.OpenAsync();
        var empty = new AccountService(other.Store, _kdf, new(), TimeProvider.System);
        empty.Diff(plan).Count.ShouldBe(7 + 12 + 3);
        await empty.ApplyAsync(plan, ct: Ct);
        empty.Export().ToString().ShouldBe(text);
        empty.Export(secrets: false).ToString().ShouldNotContain("$6$");
        (await empty.ApplyAsync(empty.Export(secrets: false), prune: true, Ct)).ShouldBeEmpty(); // without hashes the passwords stay
        empty.Export().ToString().ShouldBe(text);
    }

    [Fact]
    public async Task A_difference_is_told_before_it_is_made()
    {
        await Small();
        var plan = Plan.Parse("""
            { "domains": { "example.test": ["new.example"], "shop.example": ["old.example"] },
              "accounts": { "bob@example.test": {"name": "Bob", "quota": "1G"}, "eve@shop.example": {} },
              "aliases": { "abuse@*": "eve@shop.example" } }
            """u8);
        _service.Diff(plan, prune: true).Select(c => c.ToString()).ShouldBe([
            "- alias sales@example.test",
            "+ domain shop.example",
            "+ new.example: another name of example.test",
            "~ old.example: another name of shop.example, no more of example.test",
            "~ account bob@example.test: name \"Bob\" instead of \"\", quota 1G instead of none",
            "+ account eve@shop.example (without a password)",
            "- account alice@example.test with all its mail (0 messages)",
            "+ alias abuse@*: eve@shop.example"]);
        await _service.ApplyAsync(plan, prune: true, Ct);
        _service.Diff(plan, prune: true).ShouldBeEmpty();
        _service.Diff(new([], [], [])).ShouldBeEmpty();
        await _service.ApplyAsync(new([], [], []), prune: true, Ct);
        _service.Domains().ShouldBeEmpty();
    }

    [Fact]
    public async Task App_passwords_of_a_plan_replace_those_of_the_account_as_one_set()
    {
        await Small();
        await _service.AddAppPasswordAsync("bob@example.test", "Phone", ["imap", "smtp"], DateTimeOffset.UnixEpoch.AddYears(200), Ct);
        await _service.AddAppPasswordAsync("bob@example.test", "desk", [], null, Ct);
        var plan = Plan.Parse(Encoding.UTF8.GetBytes(_service.Export().ToString()));
        var kept = _service.AppPasswords("bob@example.test")[1].Id;
        _service.Diff(plan, prune: true).ShouldBeEmpty();

        // under the same salt: what is equal stays
        await _service.RevokeAppPasswordAsync("bob@example.test", "phone", Ct);
        await _service.AddAppPasswordAsync("bob@example.test", "tablet", [], null, Ct);
        await Becomes("~ account bob@example.test: new app password \"Phone\", no more app password \"tablet\"");
        _service.AppPasswords("bob@example.test").Select(p => p.Name).ShouldBe(["desk", "Phone"]);
        _service.AppPasswords("bob@example.test")[0].Id.ShouldBe(kept);
        await _service.RevokeAppPasswordAsync("bob@example.test", "phone", Ct);
        await _service.AddAppPasswordAsync("bob@example.test", "phone", [], null, Ct);
        await Becomes("~ account bob@example.test: another app password \"Phone\"");
        var bob = plan.Accounts[1];
        plan = plan with { Accounts = [plan.Accounts[0], bob with { AppPasswords = [bob.AppPasswords![0] with { Scopes = "imap" }, bob.AppPasswords[1]] }] };
        await Becomes("~ account bob@example.test: other limits of app password \"Phone\"");

        // of a plan that does not speak of them
        var silent = _service.Export(secrets: false);
        silent.ToString().ShouldNotContain("salt");
        silent.ToString().ShouldNotContain("appPasswords");
        _service.Diff(silent, prune: true).ShouldBeEmpty();

        // under another salt: none can stay
        await _service.RemoveAccountAsync("bob@example.test", force: true, Ct);
        _service.Diff(plan).Select(c => c.ToString()).ShouldBe(["+ account bob@example.test (without a password) with app passwords \"Phone\", \"desk\""]);
        await _service.AddAccountAsync(new() { Address = "bob@example.test" }, Ct);
        await _service.AddAppPasswordAsync("bob@example.test", "desk", [], null, Ct);
        await _service.AddAppPasswordAsync("bob@example.test", "tablet", [], null, Ct);
        await Becomes("~ account bob@example.test: new app password \"Phone\", another app password \"desk\", no more app password \"tablet\"");
        _service.Export().ToString().ShouldBe(plan.ToString());

        plan = Plan.Parse("""{ "accounts": { "bob@example.test": {"appPasswords": {}} } }"""u8);
        await Becomes("~ account bob@example.test: no more app password \"Phone\", no more app password \"desk\"", prune: false);
        _service.AppPasswords("bob@example.test").ShouldBeEmpty();

        async Task Becomes(string words, bool prune = true)
        {
            _service.Diff(plan, prune).Select(c => c.ToString()).ShouldBe([words]);
            await _service.ApplyAsync(plan, prune, Ct);
            (await _service.ApplyAsync(plan, prune, Ct)).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_plan_is_applied_whole_or_not_at_all()
    {
        await Small();
        var before = _service.Export().ToString();
        var plan = Plan.Parse("""{ "domains": { "shop.example": [] }, "aliases": { "x@shop.example": "nobody@shop.example" } }"""u8);
        await Refused("target", "alias x@shop.example leads to nobody@shop.example, but there is no such address here", async () => await _service.ApplyAsync(plan, ct: Ct));
        _service.Export().ToString().ShouldBe(before);
    }
}
