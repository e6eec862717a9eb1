using System.Net;

namespace Posthorn.Wire.Sasl;

/// <summary>Where a login comes from and on what; for throttling, the story and scopes.</summary>
/// <param name="Protocol">smtp, submission, pop3, imap, …: the service asked for.</param>
/// <param name="Remote">The client's address.</param>
/// <param name="Encrypted">True under TLS.</param>
public sealed record LoginContext(string Protocol, IPAddress Remote, bool Encrypted);

/// <summary>Who logged in.</summary>
/// <param name="AccountId">The account in the store.</param>
/// <param name="Address">Its main address, in lower case.</param>
/// <param name="Mechanism">PLAIN, LOGIN, SCRAM-SHA-256, USER …</param>
/// <param name="Credential">"password" or "app-password:NAME".</param>
public sealed record Principal(long AccountId, string Address, string Mechanism, string Credential);

/// <summary>How a login ended.</summary>
public enum LoginOutcome
{
    Accepted,

    /// <summary>Wrong name or password, disabled account, wrong scope: one answer for all.</summary>
    Rejected,

    /// <summary>Too many tries or too many logins in work: try later. Says nothing about the password.</summary>
    Throttled,

    /// <summary>Our own fault; must not count against the client.</summary>
    Unavailable,
}

/// <param name="Outcome">How it ended.</param>
/// <param name="Principal">Who it is, when accepted.</param>
public readonly record struct LoginResult(LoginOutcome Outcome, Principal? Principal = null);

/// <summary>What SCRAM needs of a user before the proof is there (RFC 5802 §3); the same shape for users that do not exist.</summary>
/// <param name="Salt">The salt of all of the user's SCRAM credentials.</param>
/// <param name="Iterations">The iteration count of all of them.</param>
/// <param name="Candidates">(credential id, StoredKey, ServerKey) of each app password; empty for unknown users.</param>
public sealed record ScramCredentials(byte[] Salt, int Iterations, IReadOnlyList<(long Id, byte[] StoredKey, byte[] ServerKey)> Candidates);

/// <summary>The accounts as SASL sees them; implemented by Posthorn.Accounts. Delays for throttling happen inside.</summary>
public interface IAuthenticator
{
    /// <summary>Checks a name and password (PLAIN, LOGIN, POP3 USER/PASS). <paramref name="authorizationId"/> is empty or must be the same user.</summary>
    ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct);

    /// <summary>The SCRAM credentials of a user, real or made up (deterministic for the same name).</summary>
    ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct);

    /// <summary>
    /// Ends a SCRAM login: <paramref name="credentialId"/> is the candidate whose proof fitted, or null when none did.
    /// </summary>
    ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct);
}
