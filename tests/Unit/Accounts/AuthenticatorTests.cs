using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Accounts;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Plans;
using Posthorn.Accounts.Service;
using Posthorn.Wire.Sasl;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Accounts;

public sealed class AuthenticatorTests : IAsyncLifetime
{
    const string Password = "a decent password";
    const string CryptHash = "$6$rounds=1000$saltsalt$Em2jzNBqFAJqT/q.bRSMAplawUmMm0rkqk6pHMhGZX7YlKFWULhIf/dEY6daDN0fqVy1DC76gXo88DpZFnjR5/";
    const string CryptPassword = "Tr0ub4dor & 3 ü";

    static readonly LoginContext Imap = new("imap", IPAddress.Parse("192.0.2.1"), true);
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly ManualClock _clock = new() { Leaps = true };
    readonly PasswordKdf _kdf = new(threads: 2);
    TestStore _store = null!;
    AccountService _service = null!;
    AccountDirectory _directory = null!;
    Authenticator _auth = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await TestStore.OpenAsync(_clock);
        var options = new AccountOptions { DefaultDomain = "example.test" };
        _service = new(_store.Store, _kdf, options, _clock);
        _directory = new(_store.Store, options);
        _auth = Make(new());
        await _service.AddDomainAsync("example.test", Ct);
        await _service.AddDomainAliasAsync("old.example", "example.test", Ct);
        await _service.AddAccountAsync(new() { Address = "alice@example.test", Password = Password }, Ct);
        await _service.AddAccountAsync(new() { Address = "bob@example.test", PasswordHash = CryptHash }, Ct);
        await _service.AddAccountAsync(new() { Address = "nopass@example.test" }, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        _directory.Dispose();
        await _store.DisposeAsync();
        _kdf.Dispose();
    }

    Authenticator Make(LoginLimits limits, PasswordKdf? kdf = null) =>
        new(_store.Store, _directory, kdf ?? _kdf, limits, null, _clock, NullLogger.Instance);

    async Task<LoginResult> Login(string user, string password, LoginContext? context = null, string mechanism = "PLAIN", string authorization = "") =>
        await _auth.PasswordAsync(context ?? Imap, mechanism, authorization, user, Encoding.UTF8.GetBytes(password), Ct);

    /// <summary>How many slow hashes the login took.</summary>
    async Task<(LoginOutcome Outcome, long Hashes)> Cost(string user, string password, LoginContext? context = null)
    {
        var before = _kdf.Runs;
        var result = await Login(user, password, context);
        return (result.Outcome, _kdf.Runs - before);
    }

    [Theory]
    [InlineData("alice@example.test")]
    [InlineData("ALICE@old.example")]
    [InlineData("alice")]
    public async Task Logs_in_by_each_spelling(string user)
    {
        var result = await Login(user, Password);
        result.Outcome.ShouldBe(LoginOutcome.Accepted);
        result.Principal.ShouldBe(new Principal(1, "alice@example.test", "PLAIN", "password"));
    }

    [Fact]
    public async Task Acts_only_for_itself()
    {
        (await Login("alice", Password, authorization: "alice@old.example")).Outcome.ShouldBe(LoginOutcome.Accepted);
        (await Login("alice", Password, authorization: "bob")).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task Unknown_users_cost_what_known_ones_do()
    {
        await _service.SetEnabledAsync("bob@example.test", false, Ct);
        foreach (var user in new[] { "alice", "nobody", "bob", "nopass", "not an address", "x@far.example" })
            (await Cost(user, "wrong password")).ShouldBe((LoginOutcome.Rejected, 1), user);
        (await Cost("bob", CryptPassword)).ShouldBe((LoginOutcome.Rejected, 1));
    }

    [Fact]
    public async Task Old_hashes_are_upgraded_at_login()
    {
        (await Cost("bob", CryptPassword)).ShouldBe((LoginOutcome.Accepted, 3)); // the third for SCRAM
        var better = _directory.ByLogin("bob")!.PasswordHash!;
        better.ShouldStartWith(Argon2.Available ? "$argon2id$v=19$m=19456,t=2,p=1$" : "$pbkdf2-sha256$i=600000$");
        (await Cost("bob", CryptPassword)).ShouldBe((LoginOutcome.Accepted, 1));
        (await Cost("bob", CryptPassword)).ShouldBe((LoginOutcome.Accepted, 0));
        _directory.ByLogin("bob")!.PasswordHash.ShouldBe(better);
    }

    [Fact]
    public async Task Auth_cache_mix_up()
    {
        await _service.SetPasswordAsync("bob@example.test", "another decent one", Ct);
        (await Cost("alice", Password)).ShouldBe((LoginOutcome.Accepted, 1));
        (await Cost("alice", Password)).ShouldBe((LoginOutcome.Accepted, 0));
        (await Cost("bob", Password)).ShouldBe((LoginOutcome.Rejected, 1)); // one's success is not another's
        (await Cost("alice", Password + "x")).ShouldBe((LoginOutcome.Rejected, 1));
        (await Login("alice", Password, mechanism: "LOGIN")).Outcome.ShouldBe(LoginOutcome.Accepted);

        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Login(i % 2 == 0 ? "alice" : "bob", i % 2 == 0 ? Password : "another decent one")));
        both.Select(r => r.Principal?.Address).ShouldBe(Enumerable.Range(0, 8).Select(i => i % 2 == 0 ? "alice@example.test" : "bob@example.test"));

        await _service.SetPasswordAsync("alice@example.test", "changed meanwhile", Ct);
        (await Cost("alice", Password)).ShouldBe((LoginOutcome.Rejected, 1));
        (await Cost("alice", "changed meanwhile")).ShouldBe((LoginOutcome.Accepted, 1));
        await _service.SetEnabledAsync("alice@example.test", false, Ct);
        (await Cost("alice", "changed meanwhile")).ShouldBe((LoginOutcome.Rejected, 1));
        await _service.SetEnabledAsync("alice@example.test", true, Ct);
        (await Cost("alice", "changed meanwhile")).Outcome.ShouldBe(LoginOutcome.Accepted);

        await _service.RemoveAccountAsync("alice@example.test", ct: Ct);
        await _service.AddAccountAsync(new() { Address = "alice@example.test", Password = "of the next alice" }, Ct);
        (await Cost("alice", "changed meanwhile")).ShouldBe((LoginOutcome.Rejected, 1));
    }

    [Fact]
    public async Task A_success_is_remembered_for_a_quarter_of_an_hour()
    {
        (await Cost("alice", Password)).Hashes.ShouldBe(1);
        _clock.Advance(TimeSpan.FromMinutes(14));
        (await Cost("alice", Password)).Hashes.ShouldBe(0);
        _clock.Advance(TimeSpan.FromMinutes(2));
        (await Cost("alice", Password)).Hashes.ShouldBe(1);
    }

    [Fact]
    public async Task Guessing_enumeration()
    {
        // the same words, work and delays for one who is there and one who is not
        var seen = new List<string>();
        foreach (var user in new[] { "alice", "nobody" })
        {
            _auth = Make(new());
            _clock.Asked.Clear();
            for (var i = 0; i < 12; i++) seen.Add($"{await Cost(user, "guess number " + i)} after {string.Join(' ', _clock.Asked.Select(d => d.TotalSeconds))}");
        }
        seen[..12].ShouldBe(seen[12..]);
    }

    [Fact]
    public async Task A_client_that_guesses_on_is_turned_away_and_others_are_not()
    {
        _auth = Make(new() { FailureDelay = TimeSpan.FromTicks(1), LongestFailureDelay = TimeSpan.FromTicks(1) });
        for (var i = 0; i < 10; i++) (await Login("user" + i, "guess")).Outcome.ShouldBe(LoginOutcome.Rejected);
        (await Cost("alice", Password)).ShouldBe((LoginOutcome.Throttled, 0));
        (await Login("alice", Password, Imap with { Remote = IPAddress.Parse("198.51.100.1") })).Outcome.ShouldBe(LoginOutcome.Accepted);
    }

    [Fact]
    public async Task Work_that_does_not_fit_into_the_queue_is_turned_away_and_not_counted()
    {
        using var narrow = new PasswordKdf(threads: 1, queue: 1);
        _auth = Make(new(), narrow);
        var results = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => Login("alice", Password)));
        results.ShouldContain(r => r.Outcome == LoginOutcome.Accepted);
        results.ShouldContain(r => r.Outcome == LoginOutcome.Throttled);
        for (var i = 0; i < 10; i++) (await Login("user" + i, "guess")).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task Our_own_fault_is_no_failure_of_the_client()
    {
        using var broken = new PasswordKdf(threads: 1);
        broken.Dispose();
        _auth = Make(new(), broken);
        for (var i = 0; i < 15; i++) (await Login("alice", Password)).ShouldBe(new LoginResult(LoginOutcome.Unavailable));
    }

    [Fact]
    public async Task Odd_passwords_are_wrong_passwords()
    {
        foreach (var password in new[] { "", "\0", new string('x', 5000), CryptPassword + "\0" })
            (await Login("bob", password, Imap with { Remote = IPAddress.Parse("198.51.100." + password.Length % 200) })).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task App_passwords_log_in_where_they_may_as_long_as_they_last()
    {
        var made = await _service.AddAppPasswordAsync("alice@example.test", "phone", ["imap"], _clock.GetUtcNow().AddDays(1), Ct);
        (await Cost("alice", made.Secret)).ShouldBe((LoginOutcome.Accepted, 0));
        var result = await Login("alice", made.Secret.Replace('-', ' ').ToUpperInvariant());
        result.Principal!.Credential.ShouldBe("app-password:phone");
        (await Cost("alice", made.Secret, Imap with { Protocol = "pop3" })).ShouldBe((LoginOutcome.Rejected, 1));
        (await Login("alice", made.Secret, Imap with { Protocol = "imaps" })).Outcome.ShouldBe(LoginOutcome.Accepted);
        (await Login("bob", made.Secret)).Outcome.ShouldBe(LoginOutcome.Rejected);
        _clock.Advance(TimeSpan.FromDays(2));
        (await Login("alice", made.Secret)).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task A_revoked_app_password_is_dead_at_once()
    {
        var made = await _service.AddAppPasswordAsync("alice@example.test", "phone", [], null, Ct);
        (await Login("alice", made.Secret)).Outcome.ShouldBe(LoginOutcome.Accepted);
        await _service.RevokeAppPasswordAsync("alice@example.test", "phone", Ct);
        (await Login("alice", made.Secret)).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task The_last_use_is_noted_once_an_hour()
    {
        var made = await _service.AddAppPasswordAsync("alice@example.test", "phone", [], null, Ct);
        DateTimeOffset? Used() => _service.AppPasswords("alice@example.test")[0].LastUsed;
        Used().ShouldBeNull();
        await Login("alice", made.Secret);
        var first = Used().ShouldNotBeNull();
        _clock.Advance(TimeSpan.FromMinutes(30));
        await Login("alice", made.Secret);
        Used().ShouldBe(first);
        _clock.Advance(TimeSpan.FromMinutes(31));
        await Login("alice", made.Secret);
        Used().ShouldBe(_clock.GetUtcNow());
    }

    [Fact]
    public async Task Scram_keys_fit_the_secret_as_it_was_shown()
    {
        var made = await _service.AddAppPasswordAsync("alice@example.test", "phone", ["imap"], null, Ct);
        var scram = await _auth.ScramAsync(Imap, "alice", Ct);
        var (id, storedKey, serverKey) = scram.Candidates.Where(static c => c.Id > 0).ShouldHaveSingleItem();
        // the client's side of RFC 5802 §3
        var salted = Rfc2898DeriveBytes.Pbkdf2(made.Secret, scram.Salt, scram.Iterations, HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        SHA256.HashData(clientKey).ShouldBe(storedKey);
        HMACSHA256.HashData(salted, "Server Key"u8).ShouldBe(serverKey);
        (await _auth.ScramAsync(Imap with { Protocol = "pop3" }, "alice", Ct)).Candidates.ShouldHaveSingleItem().Id.ShouldBeLessThan(0);

        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "alice", id, Ct)).Principal
            .ShouldBe(new Principal(1, "alice@example.test", "SCRAM-SHA-256", "app-password:phone"));
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "alice", null, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "bob", id, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
        await _service.RevokeAppPasswordAsync("alice@example.test", "phone", Ct);
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "alice", id, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task App_passwords_open_the_store_that_a_plan_rebuilt()
    {
        var phone = await _service.AddAppPasswordAsync("alice@example.test", "phone", ["imap"], _clock.GetUtcNow().AddDays(9), Ct);
        var tablet = await _service.AddAppPasswordAsync("nopass@example.test", "tablet", [], null, Ct);
        var text = _service.Export().ToString();
        await using var other = await TestStore.OpenAsync(_clock);
        var options = new AccountOptions { DefaultDomain = "example.test" };
        var rebuilt = new AccountService(other.Store, _kdf, options, _clock);
        await rebuilt.ApplyAsync(Plan.Parse(Encoding.UTF8.GetBytes(text)), ct: Ct);
        rebuilt.Export().ToString().ShouldBe(text);

        using var directory = new AccountDirectory(other.Store, options);
        var auth = new Authenticator(other.Store, directory, _kdf, new(), null, _clock, NullLogger.Instance);
        foreach (var (user, made) in new[] { ("alice", phone), ("nopass", tablet) })
        {
            var scram = await auth.ScramAsync(Imap, user, Ct);
            var (id, storedKey, serverKey) = scram.Candidates.Where(static c => c.Id > 0).ShouldHaveSingleItem();
            AppPassword.ScramKeys(made.Secret, scram.Salt, scram.Iterations).ShouldSatisfyAllConditions(
                k => k.StoredKey.ShouldBe(storedKey), k => k.ServerKey.ShouldBe(serverKey));
            (await auth.ScramResultAsync(Imap, "SCRAM-SHA-256", user, id, Ct)).Outcome.ShouldBe(LoginOutcome.Accepted);
            (await auth.PasswordAsync(Imap, "PLAIN", "", user, Encoding.UTF8.GetBytes(made.Secret), Ct)).Outcome.ShouldBe(LoginOutcome.Accepted);
        }
        (await auth.ScramAsync(Imap with { Protocol = "pop3" }, "alice", Ct)).Candidates.ShouldBeEmpty();
        _clock.Advance(TimeSpan.FromDays(9));
        (await auth.ScramAsync(Imap, "alice", Ct)).Candidates.ShouldBeEmpty();
    }

    [Fact]
    public async Task Scram_works_with_the_password_from_when_it_is_set_or_first_used_until_it_changes()
    {
        await Proves("alice", Password);
        (await _auth.ScramAsync(Imap, "bob", Ct)).Candidates.ShouldBeEmpty(); // imported: only the hash is known
        (await Login("bob", "wrong")).Outcome.ShouldBe(LoginOutcome.Rejected);
        (await _auth.ScramAsync(Imap, "bob", Ct)).Candidates.ShouldBeEmpty();
        (await Login("bob", CryptPassword)).Outcome.ShouldBe(LoginOutcome.Accepted);
        var before = await Proves("bob", CryptPassword);
        await _service.SetPasswordAsync("bob@example.test", "another decent one", Ct);
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "bob", before, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
        var after = await Proves("bob", "another decent one");
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "alice", after, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
        await _service.SetEnabledAsync("bob@example.test", false, Ct);
        (await _auth.ScramAsync(Imap, "bob", Ct)).Candidates.ShouldBeEmpty();
        (await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", "bob", after, Ct)).Outcome.ShouldBe(LoginOutcome.Rejected);
    }

    [Fact]
    public async Task A_plan_that_brings_another_hash_or_salt_ends_the_keys_of_before()
    {
        await Proves("alice", Password);
        async Task ApplyAsync(string account) => await _service.ApplyAsync(Plan.Parse(Encoding.UTF8.GetBytes($$$"""{"domains": {"example.test": ["old.example"]}, "accounts": {"alice@example.test": {{{account}}}}}""")), ct: Ct);
        await ApplyAsync("""{"quota": "1G"}""");
        await Proves("alice", Password);
        await ApplyAsync($"\"{CryptHash}\"");
        (await _auth.ScramAsync(Imap, "alice", Ct)).Candidates.ShouldBeEmpty();
        (await Login("alice", CryptPassword)).Outcome.ShouldBe(LoginOutcome.Accepted);
        await Proves("alice", CryptPassword);
        await _store.Store.WriteAsync(unit => { unit.Directory.SetScramSalt(unit.Directory.Accounts()[0].Id, new byte[16]); return 0; });
        (await _auth.ScramAsync(Imap, "alice", Ct)).Candidates.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_scram_for_passwords_no_keys_are_made_nor_used()
    {
        using var directory = new AccountDirectory(_store.Store, new() { DefaultDomain = "example.test", ScramPasswords = false });
        var auth = new Authenticator(_store.Store, directory, _kdf, new(), null, _clock, NullLogger.Instance);
        (await auth.ScramAsync(Imap, "alice", Ct)).Candidates.ShouldBeEmpty(); // though there are some
        (await auth.PasswordAsync(Imap, "PLAIN", "", "bob", Encoding.UTF8.GetBytes(CryptPassword), Ct)).Outcome.ShouldBe(LoginOutcome.Accepted);
        directory.ByLogin("bob")!.Keys.ShouldBeNull();
        var service = new AccountService(_store.Store, _kdf, directory.Options, _clock);
        await service.AddAccountAsync(new() { Address = "dora@example.test", Password = Password }, Ct);
        directory.ByLogin("dora")!.Keys.ShouldBeNull();
    }

    /// <summary>Computes what a client would, and logs in; the name of the credential.</summary>
    async Task<long> Proves(string user, string password)
    {
        var scram = await _auth.ScramAsync(Imap, user, Ct);
        var (id, storedKey, serverKey) = scram.Candidates.ShouldHaveSingleItem();
        scram.Iterations.ShouldBe(65_536); // what Cyrus SASL bears
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, scram.Salt, scram.Iterations, HashAlgorithmName.SHA256, 32);
        SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8)).ShouldBe(storedKey);
        HMACSHA256.HashData(salted, "Server Key"u8).ShouldBe(serverKey);
        var login = await _auth.ScramResultAsync(Imap, "SCRAM-SHA-256", user, id, Ct);
        login.Principal.ShouldNotBeNull().Credential.ShouldBe("password");
        return id;
    }

    [Fact]
    public async Task Scram_of_unknown_users_looks_like_that_of_known_ones()
    {
        var known = await _auth.ScramAsync(Imap, "nopass", Ct);
        var unknown = await _auth.ScramAsync(Imap, "nobody", Ct);
        (unknown.Salt.Length, unknown.Iterations).ShouldBe((known.Salt.Length, known.Iterations));
        unknown.Salt.ShouldBe((await _auth.ScramAsync(Imap, "NOBODY@old.example", Ct)).Salt);
        unknown.Salt.ShouldBe((await Make(new()).ScramAsync(Imap, "nobody", Ct)).Salt); // after a restart too
        unknown.Salt.ShouldNotBe((await _auth.ScramAsync(Imap, "nobody2", Ct)).Salt);
        known.Salt.ShouldBe((await _auth.ScramAsync(Imap, "NOPASS@old.example", Ct)).Salt);
    }
}
