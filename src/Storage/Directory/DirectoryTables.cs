using System.Security.Cryptography;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Directory;

/// <summary>
/// Domains, accounts, aliases, routes and credentials as rows. Rules about them live in Posthorn.Accounts. Every change bumps
/// <see cref="Version"/> and raises <see cref="ChangeHub.DirectoryChanged"/> after commit.
/// </summary>
public sealed class DirectoryTables
{
    const int SaltLength = 16;
    const int ScramKeyLength = 32;

    static readonly SqlText ReadVersion = new("SELECT value FROM meta WHERE name = 'directory'");
    static readonly SqlText BumpVersion = new("UPDATE meta SET value = value + 1 WHERE name = 'directory'");

    static readonly SqlText AllDomains = new("SELECT id, name, alias_of, enabled, created FROM domains ORDER BY name");
    static readonly SqlText InsertDomain = new("INSERT INTO domains (name, alias_of, enabled, created) VALUES ($1, $2, 1, $3) RETURNING id, name, alias_of, enabled, created");
    static readonly SqlText EnableDomain = new("UPDATE domains SET enabled = $1 WHERE id = $2");
    static readonly SqlText DomainUses = new("SELECT (SELECT COUNT(*) FROM accounts WHERE domain_id = $1) + (SELECT COUNT(*) FROM domains WHERE alias_of = $1)");
    static readonly SqlText DeleteDomain = new("DELETE FROM domains WHERE id = $1");

    static readonly SqlText AllAccounts = new("""
        SELECT id, domain_id, local_part, name, password_hash, enabled, quota, used, messages, language, scram_salt, created,
            forward_to, forward_keep, message_quota, scram_keys, scram_rounds
        FROM accounts ORDER BY id
        """);
    static readonly SqlText OneAccount = new("""
        SELECT id, domain_id, local_part, name, password_hash, enabled, quota, used, messages, language, scram_salt, created,
            forward_to, forward_keep, message_quota, scram_keys, scram_rounds
        FROM accounts WHERE id = $1
        """);
    static readonly SqlText InsertAccount = new("""
        INSERT INTO accounts (domain_id, local_part, name, password_hash, enabled, quota, used, messages, change, uid_validity, language, scram_salt, created)
        VALUES ($1, $2, $3, $4, 1, $5, 0, 0, 0, 0, $6, $7, $8) RETURNING id
        """);
    static readonly SqlText ReplaceAccount = new("""
        UPDATE accounts SET name = $1, password_hash = $2, enabled = $3, quota = $4, language = $5, forward_to = $6, forward_keep = $7,
            message_quota = $8, scram_keys = $9, scram_rounds = $10
        WHERE id = $11
        """);
    static readonly SqlText ReplaceSalt = new("UPDATE accounts SET scram_salt = $1, scram_keys = '', scram_rounds = 0 WHERE id = $2");
    static readonly SqlText WithoutFolders = new("SELECT id FROM accounts WHERE folders = 0 ORDER BY id");
    static readonly SqlText FoldersMade = new("UPDATE accounts SET folders = 1 WHERE id = $1");
    static readonly SqlText DeleteAccount = new("DELETE FROM accounts WHERE id = $1");
    static readonly SqlText DeletePasswordsOf = new("DELETE FROM app_passwords WHERE account_id = $1");

    static readonly SqlText AllAliases = new("SELECT id, pattern, targets, enabled, created FROM aliases ORDER BY pattern");
    static readonly SqlText InsertAlias = new("INSERT INTO aliases (pattern, targets, enabled, created) VALUES ($1, $2, 1, $3) RETURNING id, pattern, targets, enabled, created");
    static readonly SqlText ReplaceAlias = new("UPDATE aliases SET pattern = $1, targets = $2, enabled = $3 WHERE id = $4");
    static readonly SqlText DeleteAlias = new("DELETE FROM aliases WHERE id = $1");

    static readonly SqlText AllPasswords = new("""
        SELECT id, account_id, name, hash, stored_key, server_key, iterations, scopes, expires, last_used, created
        FROM app_passwords ORDER BY id
        """);
    static readonly SqlText InsertPassword = new("""
        INSERT INTO app_passwords (account_id, name, hash, stored_key, server_key, iterations, scopes, expires, created)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id, account_id, name, hash, stored_key, server_key, iterations, scopes, expires, last_used, created
        """);
    static readonly SqlText DeletePassword = new("DELETE FROM app_passwords WHERE id = $1");
    static readonly SqlText TouchPassword = new("UPDATE app_passwords SET last_used = $1 WHERE id = $2");

    static readonly SqlText AllRoutes = new("SELECT id, kind, pattern, transport, settings, created FROM routes ORDER BY id");
    static readonly SqlText InsertRoute = new("INSERT INTO routes (kind, pattern, transport, settings, created) VALUES ($1, $2, $3, $4, $5) RETURNING id, kind, pattern, transport, settings, created");
    static readonly SqlText ReplaceRoute = new("UPDATE routes SET transport = $1, settings = $2 WHERE id = $3");
    static readonly SqlText DeleteRoute = new("DELETE FROM routes WHERE id = $1");

    static readonly SqlText ReadSecret = new("SELECT value FROM secrets WHERE name = $1");
    static readonly SqlText WriteSecret = new("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");

    readonly ReadUnit _unit;

    internal DirectoryTables(ReadUnit unit) => _unit = unit;

    /// <summary>Rises with every change.</summary>
    public long Version => _unit.Session.Use(ReadVersion).Scalar() ?? 0;

    public IReadOnlyList<DomainRow> Domains() => _unit.Session.Use(AllDomains).All(Domain);

    /// <summary>Adds a domain; throws <see cref="StoreException"/> when the name is taken.</summary>
    public DomainRow AddDomain(string name, long? aliasOf)
    {
        var row = Unique($"domain {name}", () =>
            _unit.Session.Use(InsertDomain).Bind(1, name).Bind(2, aliasOf).Bind(3, _unit.Now).One(Domain)!);
        Changed();
        return row;
    }

    public void SetDomainEnabled(long id, bool enabled)
    {
        Demand(_unit.Session.Use(EnableDomain).Bind(1, enabled ? 1L : 0L).Bind(2, id).Run(), "domain", id);
        Changed();
    }

    /// <summary>Removes the row; throws <see cref="StoreException"/> while accounts or alias domains hang on it.</summary>
    public void RemoveDomain(long id)
    {
        if (_unit.Session.Use(DomainUses).Bind(1, id).Scalar() > 0)
            throw new StoreException($"domain {id} still has accounts or alias domains");
        Demand(_unit.Session.Use(DeleteDomain).Bind(1, id).Run(), "domain", id);
        Changed();
    }

    public IReadOnlyList<AccountRow> Accounts() => _unit.Session.Use(AllAccounts).All(AccountOf);

    public AccountRow? Account(long id) => _unit.Session.Use(OneAccount).Bind(1, id).One(AccountOf);

    /// <summary>Adds the account and its INBOX; throws <see cref="StoreException"/> when the address is taken.</summary>
    public AccountRow AddAccount(long domainId, string localPart, string name, string? passwordHash, long quota, string language)
    {
        var id = Unique($"account {localPart}", () =>
            _unit.Session.Use(InsertAccount).Bind(1, domainId).Bind(2, localPart).Bind(3, name).Bind(4, passwordHash).Bind(5, quota)
                .Bind(6, language).Bind(7, RandomNumberGenerator.GetBytes(SaltLength)).Bind(8, _unit.Now).Scalar()!.Value);
        _unit.Mailboxes.Create(id, "INBOX", Messages.MailboxRole.Inbox);
        Changed();
        return Account(id)!;
    }

    /// <summary>Replaces name, hash and keys, enabled, quotas, language and forward of the row with this id.</summary>
    public void UpdateAccount(AccountRow row)
    {
        Demand(_unit.Session.Use(ReplaceAccount).Bind(1, row.Name).Bind(2, row.PasswordHash).Bind(3, row.Enabled ? 1L : 0L)
            .Bind(4, row.Quota).Bind(5, row.Language).Bind(6, string.Join('\n', row.Forward)).Bind(7, row.KeepsForwarded ? 1L : 0L)
            .Bind(8, row.MessageQuota).Bind(9, row.Keys is { } keys ? [.. keys.StoredKey, .. keys.ServerKey] : []).Bind(10, row.Keys?.Rounds ?? 0L).Bind(11, row.Id).Run(), "account", row.Id);
        Changed();
    }

    /// <summary>
    /// Replaces the salt of an account. App passwords made under the one before work no more: put those that belong to this
    /// one in their place in the same unit. SCRAM keys of the password go.
    /// </summary>
    public void SetScramSalt(long accountId, byte[] salt)
    {
        Demand(_unit.Session.Use(ReplaceSalt).Bind(1, salt).Bind(2, accountId).Run(), "account", accountId);
        Changed();
    }

    /// <summary>Accounts whose special folders were never made.</summary>
    public IReadOnlyList<long> AccountsWithoutFolders() => _unit.Session.Use(WithoutFolders).All(static r => r.Int64(0));

    /// <summary>Notes that the special folders of an account were made; what becomes of them then is the user's.</summary>
    public void NoteFolders(long accountId) => Demand(_unit.Session.Use(FoldersMade).Bind(1, accountId).Run(), "account", accountId);

    /// <summary>Removes the account with its mailboxes, messages and credentials.</summary>
    public void RemoveAccount(long id)
    {
        Demand(_unit.Session.Use(DeleteAccount).Bind(1, id).Run(), "account", id);
        _unit.Session.Use(DeletePasswordsOf).Bind(1, id).Run();
        _unit.Mailboxes.RemoveAll(id);
        Changed();
    }

    public IReadOnlyList<AliasRow> Aliases() => _unit.Session.Use(AllAliases).All(Alias);

    /// <summary>Adds an alias; throws <see cref="StoreException"/> when there is one with this pattern.</summary>
    public AliasRow AddAlias(string pattern, IReadOnlyList<string> targets)
    {
        var row = Unique($"alias {pattern}", () =>
            _unit.Session.Use(InsertAlias).Bind(1, pattern).Bind(2, string.Join('\n', targets)).Bind(3, _unit.Now).One(Alias)!);
        Changed();
        return row;
    }

    public void UpdateAlias(AliasRow row)
    {
        var changed = Unique($"alias {row.Pattern}", () =>
            _unit.Session.Use(ReplaceAlias).Bind(1, row.Pattern).Bind(2, string.Join('\n', row.Targets)).Bind(3, row.Enabled ? 1L : 0L).Bind(4, row.Id).Run());
        Demand(changed, "alias", row.Id);
        Changed();
    }

    public void RemoveAlias(long id)
    {
        Demand(_unit.Session.Use(DeleteAlias).Bind(1, id).Run(), "alias", id);
        Changed();
    }

    /// <summary>In the order in which they were made.</summary>
    public IReadOnlyList<RouteRow> Routes() => _unit.Session.Use(AllRoutes).All(RouteOf);

    /// <summary>Adds a route; throws <see cref="StoreException"/> when there is one of this kind with this pattern.</summary>
    public RouteRow AddRoute(int kind, string pattern, string transport, string settings)
    {
        var row = Unique($"route {pattern}", () =>
            _unit.Session.Use(InsertRoute).Bind(1, (long)kind).Bind(2, pattern).Bind(3, transport).Bind(4, settings).Bind(5, _unit.Now).One(RouteOf)!);
        Changed();
        return row;
    }

    /// <summary>Replaces transport and settings of the row with this id.</summary>
    public void SetRoute(RouteRow row)
    {
        Demand(_unit.Session.Use(ReplaceRoute).Bind(1, row.Transport).Bind(2, row.Settings).Bind(3, row.Id).Run(), "route", row.Id);
        Changed();
    }

    public void RemoveRoute(long id)
    {
        Demand(_unit.Session.Use(DeleteRoute).Bind(1, id).Run(), "route", id);
        Changed();
    }

    public IReadOnlyList<AppPasswordRow> AppPasswords() => _unit.Session.Use(AllPasswords).All(AppPassword);

    public AppPasswordRow AddAppPassword(long accountId, string name, byte[] hash, byte[] storedKey, byte[] serverKey, int iterations, string scopes, DateTimeOffset? expires)
    {
        if (Account(accountId) is null)
            throw new StoreException($"there is no account {accountId}");
        var row = _unit.Session.Use(InsertPassword).Bind(1, accountId).Bind(2, name).Bind(3, hash).Bind(4, storedKey).Bind(5, serverKey)
            .Bind(6, (long)iterations).Bind(7, scopes).Bind(8, expires?.ToMicroseconds()).Bind(9, _unit.Now).One(AppPassword)!;
        Changed();
        return row;
    }

    public void RemoveAppPassword(long id)
    {
        Demand(_unit.Session.Use(DeletePassword).Bind(1, id).Run(), "app password", id);
        Changed();
    }

    /// <summary>Notes a use; does not bump <see cref="Version"/>.</summary>
    public void TouchAppPassword(long id, DateTimeOffset at) =>
        _unit.Session.Use(TouchPassword).Bind(1, at.ToMicroseconds()).Bind(2, id).Run();

    /// <summary>A named secret of this installation (random octets made at first use), e.g. the key for made-up SCRAM salts.</summary>
    public byte[]? Secret(string name) => _unit.Session.Use(ReadSecret).Bind(1, name).One(static r => r.Bytes(0));

    public void SetSecret(string name, byte[] value) => _unit.Session.Use(WriteSecret).Bind(1, name).Bind(2, value).Run();

    void Changed()
    {
        _unit.Session.Use(BumpVersion).Run();
        _unit.Writing.DirectoryChanged = true;
    }

    static void Demand(int changed, string what, long id)
    {
        if (changed == 0)
            throw new StoreException($"there is no {what} {id}");
    }

    static T Unique<T>(string what, Func<T> insert)
    {
        try
        {
            return insert();
        }
        catch (SqlFaultException e) when (e.Fault == SqlFault.Constraint)
        {
            throw new StoreException($"{what} is already there", e);
        }
    }

    static DateTimeOffset? Time(long? microseconds) => microseconds is { } m ? Times.FromMicroseconds(m) : null;

    static DomainRow Domain(ISqlStatement r) => new(r.Int64(0), r.Text(1), r.Int64OrNull(2), r.Int64(3) != 0, Times.FromMicroseconds(r.Int64(4)));

    static AccountRow AccountOf(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), r.Text(3), r.TextOrNull(4), r.Int64(5) != 0,
        r.Int64(6), r.Int64(7), r.Int64(8), r.Text(9), r.Bytes(10), Times.FromMicroseconds(r.Int64(11)))
    {
        Forward = r.Text(12).Split('\n', StringSplitOptions.RemoveEmptyEntries),
        KeepsForwarded = r.Int64(13) != 0,
        MessageQuota = r.Int64(14),
        Keys = r.Bytes(15) is { Length: ScramKeyLength * 2 } keys ? new(keys[..ScramKeyLength], keys[ScramKeyLength..], (int)r.Int64(16)) : null,
    };

    static RouteRow RouteOf(ISqlStatement r) => new(r.Int64(0), (int)r.Int64(1), r.Text(2), r.Text(3), r.Text(4), Times.FromMicroseconds(r.Int64(5)));

    static AliasRow Alias(ISqlStatement r) => new(r.Int64(0), r.Text(1), r.Text(2).Split('\n'), r.Int64(3) != 0, Times.FromMicroseconds(r.Int64(4)));

    static AppPasswordRow AppPassword(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), r.Bytes(3), r.Bytes(4), r.Bytes(5),
        (int)r.Int64(6), r.Text(7), Time(r.Int64OrNull(8)), Time(r.Int64OrNull(9)), Times.FromMicroseconds(r.Int64(10)));
}
