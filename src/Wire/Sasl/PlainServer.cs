using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>PLAIN (RFC 4616): <c>[authzid] NUL authcid NUL passwd</c> in one response.</summary>
sealed class PlainServer(IAuthenticator authenticator, LoginContext context) : SaslServer
{
    bool _over;

    public override string Name => SaslMechanisms.Plain;

    public override bool ClientFirst => true;

    public override ValueTask<SaslStep> StepAsync(ReadOnlyMemory<byte> response, CancellationToken ct)
    {
        if (_over) return new(SaslStep.Malformed);
        _over = true;
        var message = response.Span;
        var first = message.IndexOf((byte)0);
        if (first < 0) return new(SaslStep.Malformed);
        var second = message[(first + 1)..].IndexOf((byte)0);
        if (second < 0) return new(SaslStep.Malformed);
        second += first + 1;
        if (message[(second + 1)..].Contains((byte)0)) return new(SaslStep.Malformed);
        // RFC 4616 §2: authcid and passwd have at least one character.
        if (second == first + 1 || second + 1 == message.Length) return new(SaslStep.Malformed);
        return PasswordLogin.RunAsync(authenticator, context, Name, message[..first], message[(first + 1)..second], message[(second + 1)..], ct);
    }
}

/// <summary>The end that PLAIN and LOGIN share: preparation, question, wiping.</summary>
static class PasswordLogin
{
    internal static ValueTask<SaslStep> RunAsync(IAuthenticator authenticator, LoginContext context, string mechanism,
        ReadOnlySpan<byte> authorizationId, ReadOnlySpan<byte> user, ReadOnlySpan<byte> password, CancellationToken ct)
    {
        // A string that cannot be prepared equals no stored one (RFC 4013 §2.3): refused like a wrong password.
        if (SaslPrep.Prepare(authorizationId) is not { } authzid || SaslPrep.Prepare(user) is not { Length: > 0 } name
            || SaslPrep.Prepare(password) is not { Length: > 0 } secret)
            return new(SaslStep.Refused([]));
        return AskAsync(authenticator, context, mechanism, Encoding.UTF8.GetString(authzid), Encoding.UTF8.GetString(name), secret, ct);
    }

    static async ValueTask<SaslStep> AskAsync(IAuthenticator authenticator, LoginContext context, string mechanism,
        string authorizationId, string user, byte[] secret, CancellationToken ct)
    {
        try
        {
            return SaslStep.Done(await authenticator.PasswordAsync(context, mechanism, authorizationId, user, secret, ct).ConfigureAwait(false));
        }
        finally
        {
            Secrets.Wipe(secret);
        }
    }
}
