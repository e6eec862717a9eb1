using Posthorn.Storage;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts;

/// <summary>Where an address ends.</summary>
public abstract record Destination
{
    /// <summary>A mailbox here. <paramref name="Detail"/> is the part after "+", or null.</summary>
    /// <param name="Address">The account's main address.</param>
    public sealed record Local(long AccountId, EmailAddress Address, string? Detail) : Destination;

    /// <summary>An address on another host.</summary>
    public sealed record Foreign(EmailAddress Address) : Destination;
}

/// <summary>How an address was resolved.</summary>
public enum ResolutionStatus
{
    /// <summary>It ends in one or more destinations.</summary>
    Found,

    /// <summary>The domain is ours, the address is not there: 550 5.1.1.</summary>
    NoSuchUser,

    /// <summary>The account is disabled: 550 5.2.1.</summary>
    Disabled,

    /// <summary>The domain is not ours: relaying is a matter of policy.</summary>
    NotLocal,

    /// <summary>A loop or too deep an expansion in what is stored (saving refuses these; kept as a defence): 451 4.4.6? Temporary.</summary>
    Broken,
}

/// <summary>The result of resolving one address.</summary>
/// <param name="Steps">Each step in words, for <c>address explain</c> and the story; empty unless asked for.</param>
public sealed record Resolution(ResolutionStatus Status, IReadOnlyList<Destination> Destinations, IReadOnlyList<string> Steps);

/// <summary>
/// Domains, accounts and aliases as an immutable picture in memory, replaced after each committed change: RCPT costs no
/// query. Thread-safe.
/// </summary>
public sealed class AccountDirectory : IDisposable
{
    public AccountDirectory(MailStore store, AccountOptions options) => throw new NotImplementedException();

    /// <summary>True when mail for this domain is ours (also alias domains, also <c>postmaster</c> alone by the caller's choice).</summary>
    public bool IsLocalDomain(string domain) => throw new NotImplementedException();

    /// <summary>Follows domain aliases, accounts, "+tag" and alias patterns to the destinations.</summary>
    public Resolution Resolve(EmailAddress address, bool explain = false) => throw new NotImplementedException();

    /// <summary>The current picture of one account; null when there is none.</summary>
    public Storage.Directory.AccountRow? Account(long accountId) => throw new NotImplementedException();

    /// <summary>The account that a login name means ("user@domain", or "user" with accounts.defaultDomain; aliases do not log in).</summary>
    public Storage.Directory.AccountRow? ByLogin(string name) => throw new NotImplementedException();

    /// <summary>True when mail sent as <paramref name="address"/> may come from this account: its address, its domain's aliases of it, subaddresses, aliases that reach only it.</summary>
    public bool MaySendAs(long accountId, EmailAddress address) => throw new NotImplementedException();

    /// <summary>Fetches the picture anew; called by itself after each change.</summary>
    public void Reload() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}

/// <summary>The <c>accounts</c> section of the configuration.</summary>
public sealed record AccountOptions
{
    /// <summary>The domain that completes a login name without one; null for none.</summary>
    public string? DefaultDomain { get; init; }

    /// <summary>The character between user and tag in a subaddress.</summary>
    public char SubaddressSeparator { get; init; } = '+';
}
