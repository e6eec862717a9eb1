using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Addresses;
using Posthorn.Storage;
using Posthorn.Storage.Directory;
using Posthorn.Wire.Sasl;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// Checks logins: app passwords by a fast hash, passwords by a slow one, both throttled, with one answer and one amount of
/// work whether or not the user is there (docs/login.md). Thread-safe.
/// </summary>
public sealed partial class Authenticator : IAuthenticator
{
    static readonly TimeSpan TouchEvery = TimeSpan.FromHours(1);

    readonly AccountDirectory _directory;
    readonly CredentialStore _store;
    readonly PasswordKdf _kdf;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly LoginThrottle _throttle;
    readonly LoginCache _cache;
    readonly ConcurrentDictionary<long, DateTimeOffset> _touched = new();
    byte[]? _scramSecret;

    /// <param name="exempt">Clients that are not throttled (relay.trustedNetworks); null for none.</param>
    public Authenticator(MailStore store, AccountDirectory directory, PasswordKdf kdf, LoginLimits limits, Func<IPAddress, bool>? exempt, TimeProvider time, ILogger log)
    {
        _store = new CredentialStore(store);
        _directory = directory;
        _kdf = kdf;
        _time = time;
        _log = log;
        _throttle = new LoginThrottle(time, limits, exempt ?? (static _ => false));
        _cache = new LoginCache(time);
    }

    public async ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct)
    {
        try
        {
            var (key, account) = _directory.Login(user);
            // RFC 4616 §2: acting for another user is not offered; the same user by another spelling is the same.
            var sameUser = authorizationId.Length == 0 || _directory.Login(authorizationId).Key == key;
            var attempt = _throttle.Begin(context.Remote, key);
            if (attempt.Refused) return await TurnAwayAsync(attempt, context, mechanism, key, ct).ConfigureAwait(false);
            if (attempt.Delay > TimeSpan.Zero) await Task.Delay(attempt.Delay, _time, ct).ConfigureAwait(false);
            Principal? principal;
            try
            {
                principal = await CheckAsync(context, mechanism, account, password, ct).ConfigureAwait(false);
            }
            catch (KdfBusyException)
            {
                _throttle.Dropped(attempt);
                LogBusy(key, context.Remote, context.Protocol);
                return new(LoginOutcome.Throttled);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _throttle.Dropped(attempt);
                LogFault(e, key, context.Remote, context.Protocol);
                return new(LoginOutcome.Unavailable);
            }
            return await EndAsync(attempt, context, mechanism, key, sameUser ? principal : null, ct).ConfigureAwait(false);
        }
        catch (StoreException e) // the directory could not be read
        {
            LogFault(e, user, context.Remote, context.Protocol);
            return new(LoginOutcome.Unavailable);
        }
    }

    public async ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct)
    {
        var (key, account) = _directory.Login(user);
        // Made for everyone, so that it costs the same; the same name gets the same salt each time, as a real user would.
        var secret = _scramSecret ??= await _store.SecretAsync("scram-decoy", ct).ConfigureAwait(false);
        var madeUp = HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(key))[..16];
        var candidates = new List<(long, byte[], byte[])>();
        if (account is { MayLogIn: true })
        {
            if (_directory.Options.ScramPasswords && account.Row.Keys is { Rounds: PasswordKeys.Rounds } keys) candidates.Add((PasswordKeys.Id(keys), keys.StoredKey, keys.ServerKey));
            var now = _time.GetUtcNow();
            foreach (var row in account.AppPasswords)
                if (row.Iterations == AppPassword.Iterations && AppPassword.Covers(row, context.Protocol, now))
                    candidates.Add((row.Id, row.StoredKey, row.ServerKey));
        }
        return new(account?.Row.ScramSalt ?? madeUp, AppPassword.Iterations, candidates);
    }

    public async ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct)
    {
        try
        {
            var (key, account) = _directory.Login(user);
            var attempt = _throttle.Begin(context.Remote, key);
            if (attempt.Refused) return await TurnAwayAsync(attempt, context, mechanism, key, ct).ConfigureAwait(false);
            if (attempt.Delay > TimeSpan.Zero) await Task.Delay(attempt.Delay, _time, ct).ConfigureAwait(false);
            Principal? principal = null;
            // Looked up anew: it may have been revoked while the exchange ran.
            if (credentialId < 0)
                principal = account is { MayLogIn: true } && account.Row.Keys is { } keys && PasswordKeys.Id(keys) == credentialId ? Who(account, mechanism, "password") : null;
            else if (credentialId is { } id && account is { MayLogIn: true }
                && account.AppPasswords.Find(r => r.Id == id) is { } row && AppPassword.Covers(row, context.Protocol, _time.GetUtcNow()))
                principal = await AcceptAsync(account, row, mechanism, ct).ConfigureAwait(false);
            return await EndAsync(attempt, context, mechanism, key, principal, ct).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            LogFault(e, user, context.Remote, context.Protocol);
            return new(LoginOutcome.Unavailable);
        }
    }

    /// <summary>Who it is; null when the login is not good. Does one slow hash for every wrong login, whoever it is for.</summary>
    async ValueTask<Principal?> CheckAsync(LoginContext context, string mechanism, AccountEntry? account, ReadOnlyMemory<byte> password, CancellationToken ct)
    {
        // The client knows what it sent, so this tells it nothing; and no stored password can be like this.
        if (password.Length is 0 or > PasswordRules.MaxOctets) return null;
        if (account is { MayLogIn: true })
        {
            if (AppPassword.Find(password.Span, account.Row, account.AppPasswords) is { } row && AppPassword.Covers(row, context.Protocol, _time.GetUtcNow()))
                return await AcceptAsync(account, row, mechanism, ct).ConfigureAwait(false);
            if (_cache.Contains(account, mechanism, password.Span)) return Who(account, mechanism, "password");
        }
        var hash = account?.Row.PasswordHash;
        var good = await _kdf.VerifyAsync(password, hash, ct).ConfigureAwait(false);
        if (!good || account is not { MayLogIn: true }) return null;
        if (!await ImproveAsync(account, hash!, password, ct).ConfigureAwait(false)) _cache.Add(account, mechanism, password.Span);
        return Who(account, mechanism, "password");
    }

    async ValueTask<LoginResult> EndAsync(LoginAttempt attempt, LoginContext context, string mechanism, string key, Principal? principal, CancellationToken ct)
    {
        if (principal is not null)
        {
            _throttle.Succeeded(attempt);
            LogAccepted(principal.Address, context.Remote, context.Protocol, mechanism, principal.Credential);
            return new(LoginOutcome.Accepted, principal);
        }
        LogRejected(key, context.Remote, context.Protocol, mechanism);
        var delay = _throttle.Failed(attempt);
        if (delay > TimeSpan.Zero) await Task.Delay(delay, _time, ct).ConfigureAwait(false);
        return new(LoginOutcome.Rejected);
    }

    async ValueTask<LoginResult> TurnAwayAsync(LoginAttempt attempt, LoginContext context, string mechanism, string key, CancellationToken ct)
    {
        LogThrottled(key, context.Remote, context.Protocol, mechanism);
        await Task.Delay(attempt.Delay, _time, ct).ConfigureAwait(false);
        return new(LoginOutcome.Throttled);
    }

    // A better hash and keys for SCRAM are favours: that they could not be made or stored must not cost the login. True when the
    // hash is about to be another one.
    async ValueTask<bool> ImproveAsync(AccountEntry account, string hash, ReadOnlyMemory<byte> password, CancellationToken ct)
    {
        var upgrade = _kdf.NeedsUpgrade(hash);
        var makesKeys = _directory.Options.ScramPasswords && account.Row.Keys is not { Rounds: PasswordKeys.Rounds };
        if (!upgrade && !makesKeys) return false;
        try
        {
            var better = upgrade ? await _kdf.MakeAsync(password, ct).ConfigureAwait(false) : null;
            var keys = makesKeys ? await _kdf.KeysAsync(password, account.Row.ScramSalt, ct).ConfigureAwait(false) : null;
            await _store.ImproveAsync(account.Row, better, keys, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StoreException or KdfBusyException or CryptographicException)
        {
            LogNotUpgraded(e, account.Address.ToString());
        }
        return upgrade;
    }

    async ValueTask<Principal> AcceptAsync(AccountEntry account, AppPasswordRow row, string mechanism, CancellationToken ct)
    {
        var now = _time.GetUtcNow();
        var last = _touched.GetValueOrDefault(row.Id, row.LastUsed ?? DateTimeOffset.MinValue);
        if (now - last >= TouchEvery)
        {
            _touched[row.Id] = now;
            try
            {
                await _store.TouchAsync(row.Id, now, ct).ConfigureAwait(false);
            }
            catch (StoreException e)
            {
                LogNotTouched(e, row.Name, account.Address.ToString());
            }
        }
        return Who(account, mechanism, "app-password:" + row.Name);
    }

    static Principal Who(AccountEntry account, string mechanism, string credential) =>
        new(account.Row.Id, account.Address.ToString(), mechanism, credential);

    [LoggerMessage(5001, LogLevel.Information, "login accepted: {Account} from {Remote} on {Protocol} by {Mechanism} with {Credential}")]
    private partial void LogAccepted(string account, IPAddress remote, string protocol, string mechanism, string credential);

    [LoggerMessage(5002, LogLevel.Warning, "login rejected: {User} from {Remote} on {Protocol} by {Mechanism}")]
    private partial void LogRejected(string user, IPAddress remote, string protocol, string mechanism);

    [LoggerMessage(5003, LogLevel.Warning, "login throttled: {User} from {Remote} on {Protocol} by {Mechanism}: too many failures")]
    private partial void LogThrottled(string user, IPAddress remote, string protocol, string mechanism);

    [LoggerMessage(5004, LogLevel.Warning, "login put off: {User} from {Remote} on {Protocol}: too many password checks are waiting")]
    private partial void LogBusy(string user, IPAddress remote, string protocol);

    [LoggerMessage(5005, LogLevel.Error, "login not checked: {User} from {Remote} on {Protocol}")]
    private partial void LogFault(Exception e, string user, IPAddress remote, string protocol);

    [LoggerMessage(5006, LogLevel.Warning, "password hash of {Account} not upgraded")]
    private partial void LogNotUpgraded(Exception e, string account);

    [LoggerMessage(5007, LogLevel.Warning, "use of app password {Name} of {Account} not noted")]
    private partial void LogNotTouched(Exception e, string name, string account);
}
