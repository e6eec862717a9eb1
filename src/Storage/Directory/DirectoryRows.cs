namespace Posthorn.Storage.Directory;

/// <summary>A domain: one of ours, or (when <see cref="AliasOf"/> is set) another name for one of ours.</summary>
public sealed record DomainRow(long Id, string Name, long? AliasOf, bool Enabled, DateTimeOffset Created);

/// <summary>An account: a login, an address and mailboxes.</summary>
/// <param name="PasswordHash">PHC or crypt(3) string; null when only app passwords log in.</param>
/// <param name="Quota">Octets; 0 for none.</param>
/// <param name="ScramSalt">16 random octets, the salt of all its app passwords' SCRAM keys.</param>
public sealed record AccountRow(long Id, long DomainId, string LocalPart, string Name, string? PasswordHash, bool Enabled, long Quota, long Used, long Messages, string Language, byte[] ScramSalt, DateTimeOffset Created)
{
    /// <summary>Where its mail is sent on to; empty for nowhere.</summary>
    public IReadOnlyList<string> Forward { get; init; } = [];

    /// <summary>True when what is sent on stays in the mailbox too.</summary>
    public bool KeepsForwarded { get; init; } = true;

    /// <summary>Messages it may have; 0 for no bound.</summary>
    public long MessageQuota { get; init; }

    /// <summary>SCRAM keys of its password; null when there are none (yet).</summary>
    public ScramKeys? Keys { get; init; }

    /// <summary>True when anything bounds what it may have.</summary>
    public bool HasQuota => Quota > 0 || MessageQuota > 0;

    /// <summary>True when so much more is within its quota.</summary>
    public bool HasRoom(long octets, long messages) =>
        (Quota == 0 || octets <= Quota - Used) && (MessageQuota == 0 || messages <= MessageQuota - Messages);
}

/// <summary>What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3): 32 octets each, made with the account's salt.</summary>
public sealed record ScramKeys(byte[] StoredKey, byte[] ServerKey, int Rounds);

/// <summary>An alias: a pattern (local@domain, local@*, *@domain, *@*.domain, prefix*@domain) to one or more addresses.</summary>
public sealed record AliasRow(long Id, string Pattern, IReadOnlyList<string> Targets, bool Enabled, DateTimeOffset Created);

/// <summary>An app password: 128 random bits, so one fast hash is enough; SCRAM keys are kept only for these.</summary>
public sealed record AppPasswordRow(long Id, long AccountId, string Name, byte[] Hash, byte[] StoredKey, byte[] ServerKey, int Iterations, string Scopes, DateTimeOffset? Expires, DateTimeOffset? LastUsed, DateTimeOffset Created);

/// <summary>A route. What its texts mean is known to Posthorn.Accounts.</summary>
/// <param name="Kind">0 default, 1 by recipient, 2 by sender; frozen by a test.</param>
/// <param name="Pattern">Empty for the default; once for each kind.</param>
/// <param name="Settings">One "name value" a line; empty for none.</param>
public sealed record RouteRow(long Id, int Kind, string Pattern, string Transport, string Settings, DateTimeOffset Created);
