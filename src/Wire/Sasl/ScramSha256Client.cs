using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>
/// SCRAM-SHA-256 (RFC 5802, RFC 7677) from the client's side, without channel binding. The password does not leave us, and
/// the server has to prove that it knows it too.
/// </summary>
/// <param name="nonce">The client's part of the nonce: printable ASCII without a comma.</param>
sealed class ScramSha256Client(string user, string password, string nonce) : SaslClient
{
    const string Gs2Header = "n,,";

    /// <summary>RFC 7677 §4: fewer iterations would let whoever sits between try passwords cheaply.</summary>
    const int LeastIterations = 4096;

    /// <summary>About half a second of work; more is a server that wants our time.</summary>
    const int MostIterations = 1_000_000;

    enum Stage { First, Final, Over }

    Stage _stage;
    byte[] _verifier = [];
    bool _proven;

    public override string Name => SaslMechanisms.ScramSha256;

    public override bool ShowsSecret => false;

    public override bool ProofMissing => !_proven;

    string Bare => $"n={user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal)},r={nonce}";

    public override byte[] Initial() => Encoding.UTF8.GetBytes(Gs2Header + Bare);

    public override byte[]? Answer(ReadOnlySpan<byte> challenge)
    {
        var stage = _stage;
        _stage = Stage.Over;
        switch (stage)
        {
            // Some servers ask with nothing first, although the command had it all.
            case Stage.First when challenge.IsEmpty:
                _stage = Stage.First;
                return Initial();
            case Stage.First:
                return Prove(challenge);
            case Stage.Final:
                // server-final-message = verifier ["," extensions]
                var comma = challenge.IndexOf((byte)',');
                var said = comma < 0 ? challenge : challenge[..comma];
                _proven = said.StartsWith("v="u8) && SaslBase64.Decode(said[2..]) is { } signature
                    && CryptographicOperations.FixedTimeEquals(signature, _verifier);
                return _proven ? [] : null;
            default:
                return null;
        }
    }

    byte[]? Prove(ReadOnlySpan<byte> serverFirst)
    {
        if (!TryServerFirst(serverFirst, out var whole, out var salt, out var iterations)) return null;
        if (SaslPrep.Prepare(Encoding.UTF8.GetBytes(password)) is not { } prepared) return null;
        var salted = Rfc2898DeriveBytes.Pbkdf2(prepared, salt, iterations, HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        // client-final-message-without-proof; AuthMessage (RFC 5802 §3)
        var withoutProof = Encoding.ASCII.GetBytes($"c={Convert.ToBase64String(Encoding.ASCII.GetBytes(Gs2Header))},r={whole}");
        byte[] authMessage = [.. Encoding.UTF8.GetBytes(Bare), (byte)',', .. serverFirst, (byte)',', .. withoutProof];
        var proof = HMACSHA256.HashData(SHA256.HashData(clientKey), authMessage);
        for (var i = 0; i < proof.Length; i++) proof[i] ^= clientKey[i];
        _verifier = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), authMessage);
        byte[] final = [.. withoutProof, .. ",p="u8, .. SaslBase64.Encode(proof)];
        Secrets.Wipe(prepared);
        Secrets.Wipe(salted);
        Secrets.Wipe(clientKey);
        _stage = Stage.Final;
        return final;
    }

    // server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]; an "m=" must fail (§5.1).
    bool TryServerFirst(ReadOnlySpan<byte> message, out string whole, out byte[] salt, out int iterations)
    {
        (whole, salt, iterations) = ("", [], 0);
        var parts = message.Split((byte)',');
        if (!parts.MoveNext() || !message[parts.Current].StartsWith("r="u8)) return false;
        var r = message[parts.Current][2..];
        // The server's nonce is ours with something behind it, or somebody plays an old exchange again.
        if (r.Length > 1024 || !Ascii.IsValid(r)) return false;
        whole = Encoding.ASCII.GetString(r);
        if (whole.Length <= nonce.Length || !whole.StartsWith(nonce, StringComparison.Ordinal)) return false;
        if (!parts.MoveNext() || !message[parts.Current].StartsWith("s="u8)) return false;
        if (SaslBase64.Decode(message[parts.Current][2..]) is not { Length: > 0 } decoded) return false;
        salt = decoded;
        if (!parts.MoveNext() || !message[parts.Current].StartsWith("i="u8)) return false;
        return int.TryParse(message[parts.Current][2..], System.Globalization.NumberStyles.None, null, out iterations)
            && iterations is >= LeastIterations and <= MostIterations;
    }
}
