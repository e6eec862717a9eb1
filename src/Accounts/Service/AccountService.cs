using System.Security.Cryptography;
using System.Text;
using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Credentials;
using Posthorn.Accounts.Plans;
using Posthorn.Storage;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Service;

/// <summary>
/// The administrator's verbs on domains, accounts, aliases and credentials, for the CLI and the admin API alike. Each is one
/// unit of the store; each refusal is an <see cref="AccountRefusal"/> and changes nothing. Thread-safe.
/// </summary>
public sealed class AccountService(MailStore store, PasswordKdf kdf, AccountOptions options, TimeProvider time)
{
    // ---- domains

    public ValueTask<DomainView> AddDomainAsync(string name, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.AddDomain(name, null);
        change.Check();
        return View(change.Rows, row);
    }, ct);

    public IReadOnlyList<DomainView> Domains()
    {
        var rows = Rows();
        return [.. rows.Domains.Where(d => d.AliasOf is null).Select(d => View(rows, d))];
    }

    /// <summary>One domain, by its name or another name of it.</summary>
    public DomainView Domain(string name)
    {
        var rows = Rows();
        var row = DirectoryChange.Find(rows.Domains, DirectoryChange.DomainName(name)) ?? throw new AccountRefusal("not-found", $"there is no domain {name}");
        return View(rows, row.AliasOf is { } main ? rows.Domains.First(d => d.Id == main) : row);
    }

    /// <summary>
    /// Removes a domain. Its accounts must be gone before, always: mail is not removed in passing. <paramref name="force"/>
    /// removes its other names and alias patterns with it and leaves aliases elsewhere dangling.
    /// </summary>
    public ValueTask<bool> RemoveDomainAsync(string name, bool force = false, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.Domain(name);
        if (row.AliasOf is not null) throw new AccountRefusal("bad-input", $"{row.Name} is another name of a domain: remove it as a domain alias");
        DomainRemoval.Remove(change, row, force);
        if (!force) change.Check($"domain {row.Name}");
        return true;
    }, ct);

    public ValueTask<DomainView> SetDomainEnabledAsync(string name, bool enabled, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.Domain(name);
        if (row.AliasOf is not null) throw new AccountRefusal("bad-input", $"{row.Name} is another name of a domain, and on as long as that is");
        change.Tables.SetDomainEnabled(row.Id, enabled);
        return View(change.Rows, row with { Enabled = enabled });
    }, ct);

    /// <summary>Makes <paramref name="alias"/> another name of <paramref name="domain"/>, with all its addresses.</summary>
    public ValueTask<DomainView> AddDomainAliasAsync(string alias, string domain, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.Domain(domain);
        if (row.AliasOf is { } main) row = change.Before.Domains.First(d => d.Id == main);
        change.AddDomain(alias, row.Id);
        change.Check();
        return View(change.Rows, row);
    }, ct);

    public ValueTask<bool> RemoveDomainAliasAsync(string alias, bool force = false, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.Domain(alias);
        if (row.AliasOf is null) throw new AccountRefusal("bad-input", $"{row.Name} is a domain of its own, no other name of one");
        change.RemoveDomain(row);
        if (!force) change.Check($"domain alias {row.Name}");
        return true;
    }, ct);

    // ---- accounts

    public async ValueTask<AccountView> AddAccountAsync(NewAccount account, CancellationToken ct = default)
    {
        var address = DirectoryChange.Address(account.Address);
        if (account.Password is not null && account.PasswordHash is not null)
            throw new AccountRefusal("bad-input", "give a password or a hash, not both");
        if (account.MessageQuota < 0) throw new AccountRefusal("bad-input", "a quota cannot be negative");
        var hash = account.Password is { } password ? await HashAsync(password, address.Key, ct).ConfigureAwait(false) : account.PasswordHash;
        var salt = RandomNumberGenerator.GetBytes(AppPassword.SaltLength);
        var keys = await KeysAsync(account.Password, salt, ct).ConfigureAwait(false);
        return await ChangeAsync(change =>
        {
            var row = change.AddAccount(account.Address, account.Name, hash, account.Quota, account.Language);
            change.Tables.SetScramSalt(row.Id, salt);
            change.Tables.UpdateAccount(row = row with { MessageQuota = account.MessageQuota, ScramSalt = salt, Keys = keys });
            change.Check();
            return View(change.Rows, row);
        }, ct).ConfigureAwait(false);
    }

    public IReadOnlyList<AccountView> Accounts()
    {
        var rows = Rows();
        var domains = rows.Domains.ToDictionary(d => d.Id, d => d.Name);
        var passwords = rows.AppPasswords.CountBy(p => p.AccountId).ToDictionary();
        return [.. rows.Accounts.Select(a => View(a, domains[a.DomainId], passwords.GetValueOrDefault(a.Id)))];
    }

    public AccountView Account(string address)
    {
        var rows = Rows();
        return View(rows, DirectoryChange.Account(rows, address));
    }

    public async ValueTask<AccountView> SetPasswordAsync(string address, string password, CancellationToken ct = default)
    {
        var hash = await HashAsync(password, DirectoryChange.Address(address).Key, ct).ConfigureAwait(false);
        var salt = DirectoryChange.Account(Rows(), address).ScramSalt;
        var keys = await KeysAsync(password, salt, ct).ConfigureAwait(false);
        return await UpdateAsync(address, row => row with { PasswordHash = hash, Keys = row.ScramSalt.AsSpan().SequenceEqual(salt) ? keys : null }, ct).ConfigureAwait(false);
    }

    public ValueTask<AccountView> SetEnabledAsync(string address, bool enabled, CancellationToken ct = default) =>
        UpdateAsync(address, row => row with { Enabled = enabled }, ct);

    /// <param name="quota">Octets; 0 for none.</param>
    /// <param name="messages">Messages; 0 for no bound, null to leave it as it is.</param>
    public ValueTask<AccountView> SetQuotaAsync(string address, long quota, long? messages = null, CancellationToken ct = default) =>
        quota < 0 || messages < 0 ? throw new AccountRefusal("bad-input", "a quota cannot be negative")
        : UpdateAsync(address, row => row with { Quota = quota, MessageQuota = messages ?? row.MessageQuota }, ct);

    public ValueTask<AccountView> SetNameAsync(string address, string name, CancellationToken ct = default) =>
        UpdateAsync(address, row => row with { Name = name }, ct);

    /// <summary>Sends what comes to an account on to other addresses; an empty list ends that.</summary>
    /// <param name="keep">The mailbox gets its copy too.</param>
    public ValueTask<AccountView> SetForwardAsync(string address, IReadOnlyList<string> targets, bool keep, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.Account(address);
        row = row with { Forward = DirectoryChange.Forward(targets), KeepsForwarded = keep || targets.Count == 0 };
        change.Tables.UpdateAccount(row);
        change.Check();
        return View(change.Rows, row);
    }, ct);

    /// <summary>Removes an account with all its mail. <paramref name="force"/> does so though aliases lead to it.</summary>
    public ValueTask<bool> RemoveAccountAsync(string address, bool force = false, CancellationToken ct = default) => ChangeAsync(change =>
    {
        change.RemoveAccount(change.Account(address));
        if (!force) change.Check($"account {address}");
        return true;
    }, ct);

    // ---- app passwords

    /// <summary>Makes an app password; the result holds the only sight of its secret.</summary>
    /// <param name="scopes">smtp, pop3, imap, jmap, sieve, dav; empty for all.</param>
    public ValueTask<NewAppPassword> AddAppPasswordAsync(string address, string name, IReadOnlyList<string> scopes, DateTimeOffset? expires, CancellationToken ct = default)
    {
        name = name.Trim();
        if (!AppPassword.IsName(name)) throw new AccountRefusal("bad-input", "an app password needs a name of 1 to 100 characters, such as the device's");
        var unknown = scopes.FirstOrDefault(s => !AppPassword.Scopes.Contains(s));
        if (unknown is not null) throw new AccountRefusal("bad-input", $"\"{unknown}\" is no scope; there are {string.Join(", ", AppPassword.Scopes)}");
        if (expires <= time.GetUtcNow()) throw new AccountRefusal("bad-input", "the app password would have run out already");
        var secret = AppPassword.Make();
        var salt = DirectoryChange.Account(Rows(), address).ScramSalt;
        var (storedKey, serverKey) = AppPassword.ScramKeys(secret, salt, AppPassword.Iterations);
        return ChangeAsync(change =>
        {
            var account = change.Account(address);
            if (!account.ScramSalt.AsSpan().SequenceEqual(salt)) throw new AccountRefusal("busy", $"{address} has just been changed: try again");
            if (change.Tables.AppPasswords().Any(p => p.AccountId == account.Id && p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw new AccountRefusal("exists", $"{address} has an app password \"{name}\" already");
            var letters = Encoding.ASCII.GetBytes(secret.Replace("-", "", StringComparison.Ordinal));
            var row = change.Tables.AddAppPassword(account.Id, name, AppPassword.Hash(letters, account.ScramSalt), storedKey, serverKey,
                AppPassword.Iterations, string.Join(' ', scopes.Distinct()), expires);
            return new NewAppPassword(View(row), secret);
        }, ct);
    }

    public IReadOnlyList<AppPasswordView> AppPasswords(string address)
    {
        var rows = Rows();
        var account = DirectoryChange.Account(rows, address);
        return [.. rows.AppPasswords.Where(p => p.AccountId == account.Id).Select(View)];
    }

    public ValueTask<bool> RevokeAppPasswordAsync(string address, string name, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var account = change.Account(address);
        var row = change.Tables.AppPasswords().FirstOrDefault(p => p.AccountId == account.Id && p.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw new AccountRefusal("not-found", $"{address} has no app password \"{name}\"");
        change.Tables.RemoveAppPassword(row.Id);
        return true;
    }, ct);

    // ---- aliases

    public ValueTask<AliasView> AddAliasAsync(string pattern, IReadOnlyList<string> targets, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var row = change.AddAlias(pattern, targets);
        change.Check();
        return View(row);
    }, ct);

    public IReadOnlyList<AliasView> Aliases() => [.. Rows().Aliases.Select(View)];

    public ValueTask<bool> RemoveAliasAsync(string pattern, bool force = false, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var normal = DirectoryChange.Pattern(pattern);
        var row = change.Tables.Aliases().FirstOrDefault(a => a.Pattern == normal) ?? throw new AccountRefusal("not-found", $"there is no alias {normal}");
        change.RemoveAlias(row);
        if (!force) change.Check($"alias {normal}");
        return true;
    }, ct);

    // ---- plans

    /// <summary>All of it as one plan (docs/addresses.md).</summary>
    /// <param name="secrets">With the password hashes and app passwords, without which the plan cannot rebuild the logins.</param>
    public Plan Export(bool secrets = true) => Plan.Of(Rows(), secrets);

    /// <summary>What <see cref="ApplyAsync"/> would do, in words, in its order.</summary>
    public IReadOnlyList<PlanChange> Diff(Plan plan, bool prune = false) => PlanDiff.Of(plan, Rows(), prune);

    /// <summary>Makes the directory as the plan says, in one unit: all of it or nothing. Applying again changes nothing.</summary>
    /// <param name="prune">Also removes what the plan does not name, accounts with their mail included.</param>
    public ValueTask<IReadOnlyList<PlanChange>> ApplyAsync(Plan plan, bool prune = false, CancellationToken ct = default) => ChangeAsync(change =>
    {
        var changes = PlanDiff.Of(plan, change.Before, prune);
        foreach (var step in changes) step.Run(change);
        change.Check();
        return changes;
    }, ct);

    // ----

    DirectoryRows Rows() => store.Read(DirectoryRows.Load);

    ValueTask<T> ChangeAsync<T>(Func<DirectoryChange, T> work, CancellationToken ct) =>
        store.WriteAsync(unit => work(new DirectoryChange(unit, options)), ct);

    ValueTask<AccountView> UpdateAsync(string address, Func<AccountRow, AccountRow> edit, CancellationToken ct) => ChangeAsync(change =>
    {
        var row = edit(change.Account(address));
        change.Tables.UpdateAccount(row);
        return View(change.Rows, row);
    }, ct);

    async ValueTask<string> HashAsync(string password, string address, CancellationToken ct)
    {
        if (PasswordRules.Refusal(password, address) is { } reason) throw new AccountRefusal("password", reason);
        try
        {
            return await kdf.MakeAsync(Encoding.UTF8.GetBytes(password), ct).ConfigureAwait(false);
        }
        catch (KdfBusyException e)
        {
            throw new AccountRefusal("busy", e.Message + ": try again in a moment");
        }
    }

    /// <summary>Null where there is no password, or SCRAM is not for passwords.</summary>
    async ValueTask<ScramKeys?> KeysAsync(string? password, byte[] salt, CancellationToken ct)
    {
        if (password is null || !options.ScramPasswords) return null;
        try
        {
            return await kdf.KeysAsync(Encoding.UTF8.GetBytes(password), salt, ct).ConfigureAwait(false);
        }
        catch (KdfBusyException)
        {
            return null; // the first login makes them
        }
    }

    static DomainView View(DirectoryRows rows, DomainRow row) =>
        new(row.Name, row.Enabled, [.. rows.Domains.Where(d => d.AliasOf == row.Id).Select(d => d.Name)], rows.Accounts.Count(a => a.DomainId == row.Id), row.Created);

    static AccountView View(DirectoryRows rows, AccountRow row) =>
        View(row, rows.Domains.First(d => d.Id == row.DomainId).Name, rows.AppPasswords.Count(p => p.AccountId == row.Id));

    static AccountView View(AccountRow row, string domain, int appPasswords) =>
        new(row.Id, new EmailAddress(row.LocalPart, domain).ToString(), row.Name, row.Enabled,
            row.PasswordHash is null ? null : PasswordHash.Scheme(row.PasswordHash), appPasswords,
            row.Quota, row.Used, row.Messages, row.Language, row.Created)
        {
            Forward = row.Forward,
            KeepsForwarded = row.KeepsForwarded,
            MessageQuota = row.MessageQuota,
        };

    static AliasView View(AliasRow row) => new(row.Pattern, row.Targets, row.Enabled, row.Created);

    static AppPasswordView View(AppPasswordRow row) =>
        new(row.Id, row.Name, row.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries), row.Expires, row.LastUsed, row.Created);
}
