using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>
/// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677). A user may have several credentials (app passwords) that
/// share salt and iteration count; the proof is tried against each, in the same time whether it fits or not.
/// </summary>
/// <param name="binding">The tls-server-end-point data: this is the PLUS variant; null: it is not.</param>
/// <param name="plusOffered">PLUS was in the offered list.</param>
/// <param name="serverNonce">The server's part of the nonce.</param>
sealed class ScramServer(IAuthenticator authenticator, LoginContext context, byte[]? binding, bool plusOffered, string serverNonce) : SaslServer
{
    // So many proofs are computed for everybody, so that the work tells neither a known name nor how many app passwords it has.
    const int LeastWork = 8;

    enum Stage { First, Final, Acknowledge, Over }

    Stage _stage;
    ScramClientFirst _first;
    ScramCredentials? _credentials;
    byte[] _gs2Header = [];
    string _nonce = "";
    byte[] _begin = []; // client-first-message-bare "," server-first-message ","
    LoginResult _result;

    public override string Name => binding is null ? SaslMechanisms.ScramSha256 : SaslMechanisms.ScramSha256Plus;

    public override bool ClientFirst => true;

    internal static string NewNonce() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));

    public override ValueTask<SaslStep> StepAsync(ReadOnlyMemory<byte> response, CancellationToken ct)
    {
        var stage = _stage;
        _stage = Stage.Over;
        return stage switch
        {
            Stage.First => FirstAsync(response, ct),
            Stage.Final => FinalAsync(response, ct),
            // The client has checked v= and says nothing more (RFC 5802 §3).
            Stage.Acknowledge when response.IsEmpty => new(SaslStep.Done(_result)),
            _ => new(SaslStep.Malformed),
        };
    }

    async ValueTask<SaslStep> FirstAsync(ReadOnlyMemory<byte> response, CancellationToken ct)
    {
        if (!ScramMessages.TryFirst(response.Span, out _first)) return SaslStep.Malformed;
        if (BindingError(_first) is { } error) return SaslStep.Refused(error);
        _gs2Header = response.Span[.._first.HeaderLength].ToArray();
        _credentials = await authenticator.ScramAsync(context, _first.User, ct).ConfigureAwait(false);
        _nonce = _first.Nonce + serverNonce;
        // server-first-message = nonce "," salt "," iteration-count (RFC 5802 §7)
        var challenge = Encoding.ASCII.GetBytes($"r={_nonce},s={Convert.ToBase64String(_credentials.Salt)},i={_credentials.Iterations}");
        _begin = [.. response.Span[_first.HeaderLength..], (byte)',', .. challenge, (byte)','];
        _stage = Stage.Final;
        return SaslStep.Ask(challenge);
    }

    // RFC 5802 §6
    byte[]? BindingError(ScramClientFirst first) => (first.Flag, binding) switch
    {
        ('p', null) => "e=channel-binding-not-supported"u8.ToArray(),
        ('p', _) => first.BindingName == "tls-server-end-point" ? null : "e=unsupported-channel-binding-type"u8.ToArray(),
        (_, not null) => "e=channel-bindings-dont-match"u8.ToArray(),
        // The client could have bound the channel and saw no PLUS, but we offered it: somebody changed our list.
        ('y', _) when plusOffered => "e=server-does-support-channel-binding"u8.ToArray(),
        _ => null,
    };

    async ValueTask<SaslStep> FinalAsync(ReadOnlyMemory<byte> response, CancellationToken ct)
    {
        if (!ScramMessages.TryFinal(response.Span, out var final)) return SaslStep.Malformed;
        byte[] expected = [.. _gs2Header, .. binding ?? []];
        // Evaluated in full before anything is told, so that one wrong part looks like another.
        var bound = CryptographicOperations.FixedTimeEquals(final.Binding, expected);
        var sameNonce = final.Nonce == _nonce;
        var sameUser = _first.AuthorizationId.Length == 0 || string.Equals(_first.AuthorizationId, _first.User, StringComparison.OrdinalIgnoreCase);
        byte[] authMessage = [.. _begin, .. response.Span[..final.WithoutProof]];
        var (fitting, serverSignature) = Match(_credentials!.Candidates, authMessage, final.Proof);
        Secrets.Wipe(final.Proof);
        if (!bound || !sameNonce || !sameUser) fitting = null;

        _result = await authenticator.ScramResultAsync(context, Name, _first.User, fitting, ct).ConfigureAwait(false);
        if (fitting is null || _result.Outcome != LoginOutcome.Accepted)
        {
            if (_result.Outcome == LoginOutcome.Accepted) _result = new(LoginOutcome.Rejected);
            return new(SaslStepKind.Done, bound ? "e=invalid-proof"u8.ToArray() : "e=channel-bindings-dont-match"u8.ToArray(), _result);
        }
        _stage = Stage.Acknowledge;
        return SaslStep.Ask([.. "v="u8, .. SaslBase64.Encode(serverSignature)]);
    }

    // RFC 5802 §3: ClientSignature := HMAC(StoredKey, AuthMessage); ClientKey := ClientProof XOR ClientSignature; H(ClientKey) = StoredKey.
    static (long? Id, byte[] ServerSignature) Match(IReadOnlyList<(long Id, byte[] StoredKey, byte[] ServerKey)> candidates, ReadOnlySpan<byte> authMessage, ReadOnlySpan<byte> proof)
    {
        Span<byte> key = stackalloc byte[32];
        Span<byte> hash = stackalloc byte[32];
        ReadOnlySpan<byte> nobody = stackalloc byte[32];
        long? id = null;
        var signature = new byte[32];
        var work = Math.Max(LeastWork, candidates.Count);
        for (var i = 0; i < work; i++)
        {
            var real = i < candidates.Count;
            var stored = real ? candidates[i].StoredKey : nobody;
            HMACSHA256.HashData(stored, authMessage, key);
            for (var k = 0; k < 32; k++) key[k] ^= proof[k];
            SHA256.HashData(key, hash);
            if (!(CryptographicOperations.FixedTimeEquals(hash, stored) & real)) continue;
            id = candidates[i].Id;
            HMACSHA256.HashData(candidates[i].ServerKey, authMessage, signature);
        }
        Secrets.Wipe(key);
        return (id, signature);
    }
}
