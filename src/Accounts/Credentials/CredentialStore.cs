using System.Security.Cryptography;
using Posthorn.Storage;

namespace Posthorn.Accounts.Credentials;

/// <summary>The three things a login writes or keeps in the store.</summary>
sealed class CredentialStore(MailStore store)
{
    /// <summary>Puts <paramref name="better"/> in the place of <paramref name="old"/>, unless the password has been changed meanwhile.</summary>
    public async ValueTask UpgradeAsync(long accountId, string old, string better, CancellationToken ct) =>
        await store.WriteAsync(unit =>
        {
            if (unit.Directory.Account(accountId) is not { } row || row.PasswordHash != old) return false;
            unit.Directory.UpdateAccount(row with { PasswordHash = better });
            return true;
        }, ct).ConfigureAwait(false);

    /// <summary>Notes the use of an app password.</summary>
    public async ValueTask TouchAsync(long appPasswordId, DateTimeOffset at, CancellationToken ct) =>
        await store.WriteAsync(unit =>
        {
            unit.Directory.TouchAppPassword(appPasswordId, at);
            return true;
        }, ct).ConfigureAwait(false);

    /// <summary>The named secret of this installation, made at first use.</summary>
    public async ValueTask<byte[]> SecretAsync(string name, CancellationToken ct)
    {
        if (store.Read(unit => unit.Directory.Secret(name)) is { } secret) return secret;
        var fresh = RandomNumberGenerator.GetBytes(32);
        return await store.WriteAsync(unit =>
        {
            // Someone else may have made it since: the first one stays.
            if (unit.Directory.Secret(name) is { } there) return there;
            unit.Directory.SetSecret(name, fresh);
            return fresh;
        }, ct).ConfigureAwait(false);
    }
}
