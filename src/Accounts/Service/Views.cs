namespace Posthorn.Accounts.Service;

/// <summary>A domain as it is shown.</summary>
/// <param name="Aliases">Its other names.</param>
/// <param name="Accounts">How many accounts it has.</param>
public sealed record DomainView(string Name, bool Enabled, IReadOnlyList<string> Aliases, int Accounts, DateTimeOffset Created);

/// <summary>An account as it is shown: without secrets.</summary>
/// <param name="PasswordScheme">How its password is kept (argon2id, bcrypt, …); null when it has none.</param>
/// <param name="Quota">Octets; 0 for none.</param>
/// <param name="Used">Octets.</param>
public sealed record AccountView(long Id, string Address, string Name, bool Enabled, string? PasswordScheme, int AppPasswords, long Quota, long Used, long Messages, string Language, DateTimeOffset Created)
{
    /// <summary>Messages it may have; 0 for no bound.</summary>
    public long MessageQuota { get; init; }

    /// <summary>Where its mail is sent on to; empty for nowhere.</summary>
    public IReadOnlyList<string> Forward { get; init; } = [];

    /// <summary>True when what is sent on stays in the mailbox too.</summary>
    public bool KeepsForwarded { get; init; } = true;
}

/// <summary>An alias as it is shown.</summary>
public sealed record AliasView(string Pattern, IReadOnlyList<string> Targets, bool Enabled, DateTimeOffset Created);

/// <summary>An app password as it is shown: without its secret, which was shown once.</summary>
/// <param name="Scopes">smtp, pop3, imap, jmap, sieve, dav; empty for all.</param>
public sealed record AppPasswordView(long Id, string Name, IReadOnlyList<string> Scopes, DateTimeOffset? Expires, DateTimeOffset? LastUsed, DateTimeOffset Created);

/// <summary>A new app password with the only sight of its secret.</summary>
public sealed record NewAppPassword(AppPasswordView AppPassword, string Secret);

/// <summary>What to set up for a new account.</summary>
public sealed record NewAccount
{
    /// <summary>The address and login name.</summary>
    public required string Address { get; init; }

    /// <summary>The person's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The password; null when only app passwords shall log in, or when <see cref="PasswordHash"/> is given.</summary>
    public string? Password { get; init; }

    /// <summary>A hash made elsewhere: PHC, crypt(3), or with a scheme prefix ({SHA512-CRYPT}, …).</summary>
    public string? PasswordHash { get; init; }

    /// <summary>Octets; 0 for none.</summary>
    public long Quota { get; init; }

    /// <summary>Messages; 0 for no bound.</summary>
    public long MessageQuota { get; init; }

    /// <summary>The language of what the server writes to this person (RFC 5646).</summary>
    public string Language { get; init; } = "en";
}

/// <summary>A route as it is shown.</summary>
/// <param name="Name">How it is named: its pattern, "sender" and its pattern, or "default".</param>
/// <param name="Kind">What it looks at.</param>
/// <param name="Pattern">Empty for the default.</param>
/// <param name="Settings">What it sets for itself; the rest is as in the configuration.</param>
public sealed record RouteView(string Name, Routes.RouteKind Kind, string Pattern, string Transport, IReadOnlyList<(string Name, string Value)> Settings, DateTimeOffset Created);
