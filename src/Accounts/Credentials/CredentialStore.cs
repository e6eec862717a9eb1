using System.Security.Cryptography;
using Posthorn.Storage;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Credentials;

/// <summary>The three things a login writes or keeps in the store.</summary>
sealed class CredentialStore(MailStore store)
{
    /// <summary>Puts a better hash in the place of the one before, and keys beside it, unless the password has been changed meanwhile.</summary>
    /// <param name="before">What the password was checked against.</param>
    /// <param name="better">Null to leave the hash as it is.</param>
    /// <param name="keys">Made with the salt of <paramref name="before"/>; null to leave them as they are.</param>
    public async ValueTask ImproveAsync(AccountRow before, string? better, ScramKeys? keys, CancellationToken ct) =>
        await store.WriteAsync(unit =>
        {
            if (unit.Directory.Account(before.Id) is not { } row || row.PasswordHash != before.PasswordHash) return false;
            var sameSalt = row.ScramSalt.AsSpan().SequenceEqual(before.ScramSalt);
            unit.Directory.UpdateAccount(row with { PasswordHash = better ?? row.PasswordHash, Keys = sameSalt && keys is not null ? keys : row.Keys });
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
