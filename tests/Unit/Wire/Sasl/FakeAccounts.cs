using System.Security.Cryptography;
using System.Text;
using Posthorn.Wire.Sasl;

namespace Posthorn.Tests.Unit.Wire.Sasl;

/// <summary>Accounts in memory, with what was asked of them.</summary>
sealed class FakeAccounts : IAuthenticator
{
    readonly byte[] _salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");

    public Dictionary<string, (long Id, string Password)> Users { get; } = new() { ["user"] = (7, "pencil") };
    public Dictionary<string, List<string>> AppPasswords { get; } = new() { ["user"] = ["pencil"] };
    public List<string> Asked { get; } = [];
    public LoginOutcome? Force { get; set; }
    public Func<string, Task>? Before { get; set; }

    public async ValueTask<LoginResult> PasswordAsync(LoginContext context, string mechanism, string authorizationId, string user, ReadOnlyMemory<byte> password, CancellationToken ct)
    {
        if (Before is { } before) await before(user);
        Asked.Add($"{mechanism}:{authorizationId}:{user}:{Encoding.UTF8.GetString(password.Span)}");
        if (Force is { } forced) return new LoginResult(forced);
        if (authorizationId.Length > 0 && authorizationId != user) return new(LoginOutcome.Rejected);
        return Users.TryGetValue(user, out var account) && account.Password == Encoding.UTF8.GetString(password.Span)
            ? new(LoginOutcome.Accepted, new Principal(account.Id, user, mechanism, "password"))
            : new(LoginOutcome.Rejected);
    }

    public ValueTask<ScramCredentials> ScramAsync(LoginContext context, string user, CancellationToken ct)
    {
        var candidates = new List<(long, byte[], byte[])>();
        if (AppPasswords.TryGetValue(user, out var passwords))
            for (var i = 0; i < passwords.Count; i++)
            {
                var keys = ScramClient.Keys(passwords[i], _salt, 4096);
                candidates.Add((i + 1, keys.StoredKey, keys.ServerKey));
            }
        return new(new ScramCredentials(candidates.Count > 0 ? _salt : SHA256.HashData(Encoding.UTF8.GetBytes(user))[..16], 4096, candidates));
    }

    public ValueTask<LoginResult> ScramResultAsync(LoginContext context, string mechanism, string user, long? credentialId, CancellationToken ct)
    {
        Asked.Add($"{mechanism}:{user}:{credentialId?.ToString() ?? "-"}");
        if (Force is { } forced) return new(new LoginResult(forced));
        return new(credentialId is { } id ? new(LoginOutcome.Accepted, new Principal(Users[user].Id, user, mechanism, $"app-password:{id}")) : new LoginResult(LoginOutcome.Rejected));
    }
}

/// <summary>The client's side of SCRAM-SHA-256, written from RFC 5802 §3.</summary>
static class ScramClient
{
    public static (byte[] ClientKey, byte[] StoredKey, byte[] ServerKey) Keys(string password, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, 32);
        var client = HMACSHA256.HashData(salted, "Client Key"u8);
        return (client, SHA256.HashData(client), HMACSHA256.HashData(salted, "Server Key"u8));
    }

    /// <summary>The client's final message to a server's first, and the v= the client then expects.</summary>
    public static (byte[] Final, string Verifier) Answer(string gs2Header, string bare, string serverFirst, string password, byte[] binding)
    {
        var parts = serverFirst.Split(',');
        var keys = Keys(password, Convert.FromBase64String(parts[1][2..]), int.Parse(parts[2][2..]));
        var withoutProof = $"c={Convert.ToBase64String([.. Encoding.UTF8.GetBytes(gs2Header), .. binding])},{parts[0]}";
        var authMessage = Encoding.UTF8.GetBytes($"{bare},{serverFirst},{withoutProof}");
        var signature = HMACSHA256.HashData(keys.StoredKey, authMessage);
        var proof = keys.ClientKey.Zip(signature, (a, b) => (byte)(a ^ b)).ToArray();
        return (Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}"),
            "v=" + Convert.ToBase64String(HMACSHA256.HashData(keys.ServerKey, authMessage)));
    }
}
