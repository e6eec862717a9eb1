namespace Posthorn.Storage.Directory;

/// <summary>A domain: one of ours, or (when <see cref="AliasOf"/> is set) another name for one of ours.</summary>
public sealed record DomainRow(long Id, string Name, long? AliasOf, bool Enabled, DateTimeOffset Created);

/// <summary>An account: a login, an address and mailboxes.</summary>
/// <param name="PasswordHash">PHC or crypt(3) string; null when only app passwords log in.</param>
/// <param name="Quota">Octets; 0 for none.</param>
/// <param name="ScramSalt">16 random octets, the salt of all its app passwords' SCRAM keys.</param>
public sealed record AccountRow(long Id, long DomainId, string LocalPart, string Name, string? PasswordHash, bool Enabled, long Quota, long Used, long Messages, string Language, byte[] ScramSalt, DateTimeOffset Created);

/// <summary>An alias: a pattern (local@domain, local@*, *@domain, *@*.domain, prefix*@domain) to one or more addresses.</summary>
public sealed record AliasRow(long Id, string Pattern, IReadOnlyList<string> Targets, bool Enabled, DateTimeOffset Created);

/// <summary>An app password: 128 random bits, so one fast hash is enough; SCRAM keys are kept only for these.</summary>
public sealed record AppPasswordRow(long Id, long AccountId, string Name, byte[] Hash, byte[] StoredKey, byte[] ServerKey, int Iterations, string Scopes, DateTimeOffset? Expires, DateTimeOffset? LastUsed, DateTimeOffset Created);

/// <summary>
/// Domains, accounts, aliases and credentials as rows. Rules about them live in Posthorn.Accounts. Every change bumps
/// <see cref="Version"/> and raises <see cref="ChangeHub.DirectoryChanged"/> after commit.
/// </summary>
public sealed class DirectoryTables
{
    public long Version => throw new NotImplementedException();

    public IReadOnlyList<DomainRow> Domains() => throw new NotImplementedException();
    public DomainRow AddDomain(string name, long? aliasOf) => throw new NotImplementedException();
    public void SetDomainEnabled(long id, bool enabled) => throw new NotImplementedException();

    /// <summary>Removes the row; throws <see cref="StoreException"/> while accounts or alias domains hang on it.</summary>
    public void RemoveDomain(long id) => throw new NotImplementedException();

    public IReadOnlyList<AccountRow> Accounts() => throw new NotImplementedException();
    public AccountRow? Account(long id) => throw new NotImplementedException();

    /// <summary>Adds the account and its INBOX.</summary>
    public AccountRow AddAccount(long domainId, string localPart, string name, string? passwordHash, long quota, string language) => throw new NotImplementedException();

    /// <summary>Replaces name, hash, enabled, quota, language of the row with this id.</summary>
    public void UpdateAccount(AccountRow row) => throw new NotImplementedException();

    /// <summary>Removes the account with its mailboxes, messages and credentials.</summary>
    public void RemoveAccount(long id) => throw new NotImplementedException();

    public IReadOnlyList<AliasRow> Aliases() => throw new NotImplementedException();
    public AliasRow AddAlias(string pattern, IReadOnlyList<string> targets) => throw new NotImplementedException();
    public void UpdateAlias(AliasRow row) => throw new NotImplementedException();
    public void RemoveAlias(long id) => throw new NotImplementedException();

    public IReadOnlyList<AppPasswordRow> AppPasswords() => throw new NotImplementedException();
    public AppPasswordRow AddAppPassword(long accountId, string name, byte[] hash, byte[] storedKey, byte[] serverKey, int iterations, string scopes, DateTimeOffset? expires) => throw new NotImplementedException();
    public void RemoveAppPassword(long id) => throw new NotImplementedException();

    /// <summary>Notes a use; does not bump <see cref="Version"/>.</summary>
    public void TouchAppPassword(long id, DateTimeOffset at) => throw new NotImplementedException();

    /// <summary>A named secret of this installation (random octets made at first use), e.g. the key for made-up SCRAM salts.</summary>
    public byte[]? Secret(string name) => throw new NotImplementedException();

    public void SetSecret(string name, byte[] value) => throw new NotImplementedException();
}
