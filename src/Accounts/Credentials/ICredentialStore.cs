using Posthorn.Storage;

namespace Posthorn.Accounts.Credentials;

/// <summary>What a login writes or keeps: the three things the authenticator needs of the store.</summary>
interface ICredentialStore
{
    /// <summary>Puts <paramref name="better"/> in the place of <paramref name="old"/>, unless the password has been changed meanwhile.</summary>
    ValueTask UpgradeAsync(long accountId, string old, string better, CancellationToken ct);

    /// <summary>Notes the use of an app password.</summary>
    ValueTask TouchAsync(long appPasswordId, DateTimeOffset at, CancellationToken ct);

    /// <summary>The named secret of this installation, made at first use.</summary>
    ValueTask<byte[]> SecretAsync(string name, CancellationToken ct);
}

/// <summary>The same on the real store.</summary>
sealed class CredentialStore(MailStore store) : ICredentialStore
{
    public async ValueTask UpgradeAsync(long accountId, string old, string better, CancellationToken ct) =>
        await store.WriteAsync(unit =>
        {
            if (unit.Directory.Account(accountId) is not { } row || row.PasswordHash != old) return false;
            unit.Directory.UpdateAccount(row with { PasswordHash = better });
            return true;
        }, ct).ConfigureAwait(false);

    public async ValueTask TouchAsync(long appPasswordId, DateTimeOffset at, CancellationToken ct) =>
        await store.WriteAsync(unit =>
        {
            unit.Directory.TouchAppPassword(appPasswordId, at);
            return true;
        }, ct).ConfigureAwait(false);

    public async ValueTask<byte[]> SecretAsync(string name, CancellationToken ct)
    {
        if (store.Read(unit => unit.Directory.Secret(name)) is { } secret) return secret;
        var fresh = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
        return await store.WriteAsync(unit =>
        {
            // Someone else may have made it since: the first one stays.
            if (unit.Directory.Secret(name) is { } there) return there;
            unit.Directory.SetSecret(name, fresh);
            return fresh;
        }, ct).ConfigureAwait(false);
    }
}
