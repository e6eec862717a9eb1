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
