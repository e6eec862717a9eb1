using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>
/// XOAUTH2, the bearer token of the large providers: not standardised, in form what RFC 7628 §3.1 became. A refusal comes
/// as a challenge with the reason in JSON, which is answered with nothing to get the final reply.
/// </summary>
sealed class XOAuth2Client(string user, string token) : SaslClient
{
    string? _error;

    public override string Name => SaslMechanisms.XOAuth2;

    public override bool ShowsSecret => true;

    public override string? ServerError => _error;

    public override byte[] Initial() => Encoding.UTF8.GetBytes($"user={user}\u0001auth=Bearer {token}\u0001\u0001");

    public override byte[]? Answer(ReadOnlySpan<byte> challenge)
    {
        if (_error is not null) return null;
        _error = Encoding.UTF8.GetString(challenge);
        return [];
    }
}
