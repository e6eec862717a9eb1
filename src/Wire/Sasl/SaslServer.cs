namespace Posthorn.Wire.Sasl;

/// <summary>What a SASL step asks of the protocol.</summary>
public enum SaslStepKind
{
    /// <summary>Send <see cref="SaslStep.Challenge"/> in base64 as a continuation and give the answer to the next step.</summary>
    Challenge,

    /// <summary>The exchange is over; <see cref="SaslStep.Result"/> says how.</summary>
    Done,

    /// <summary>The response broke the mechanism's grammar: the exchange is over (501, -ERR, BAD). Nobody was asked.</summary>
    Malformed,
}

/// <summary>The outcome of one response.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Challenge">
/// The octets to send. With a refused <see cref="SaslStepKind.Done"/> it may hold the mechanism's own error (SCRAM's
/// <c>e=</c>, RFC 5802 §5.1), which only a protocol that can carry data with a failure sends; SMTP, POP3 and IMAP drop it.
/// </param>
/// <param name="Result">How the login ended; only with <see cref="SaslStepKind.Done"/>.</param>
public readonly record struct SaslStep(SaslStepKind Kind, byte[] Challenge, LoginResult Result)
{
    internal static readonly SaslStep Malformed = new(SaslStepKind.Malformed, [], default);

    internal static SaslStep Ask(byte[] challenge) => new(SaslStepKind.Challenge, challenge, default);

    internal static SaslStep Done(LoginResult result) => new(SaslStepKind.Done, [], result);

    internal static SaslStep Refused(byte[] error) => new(SaslStepKind.Done, error, new LoginResult(LoginOutcome.Rejected));
}

/// <summary>
/// The server's side of one SASL exchange (RFC 4422), without any protocol around it: base64, <c>*</c> to cancel and the
/// words of the answer belong to the protocol. One object serves one exchange.
/// </summary>
/// <remarks>
/// How a protocol drives it: when the client gave an initial response, hand that to the first <see cref="StepAsync"/>.
/// When it gave none and <see cref="ClientFirst"/> is true, send an empty challenge and hand over the answer; when
/// <see cref="ClientFirst"/> is false, the first step gets an empty response and returns the first challenge.
/// Exceptions of the authenticator come through: they are faults (temporary failure, logged), not refusals.
/// </remarks>
public abstract class SaslServer
{
    /// <summary>The mechanism's registered name.</summary>
    public abstract string Name { get; }

    /// <summary>True when the client speaks first, so that an exchange without initial response begins with an empty challenge.</summary>
    public abstract bool ClientFirst { get; }

    /// <summary>
    /// Takes one decoded response. Its octets may hold a secret: the mechanism keeps no copy that it does not wipe, the
    /// caller wipes its own (<see cref="Secrets.Wipe(ReadOnlyMemory{byte})"/>).
    /// </summary>
    public abstract ValueTask<SaslStep> StepAsync(ReadOnlyMemory<byte> response, CancellationToken ct);

    /// <summary>Makes the server side of a mechanism, or null when the name is not ours or needs a channel binding that is not there.</summary>
    /// <param name="mechanism">The name as the client sent it; case does not matter.</param>
    /// <param name="authenticator">Who knows the accounts.</param>
    /// <param name="context">Where the login comes from.</param>
    /// <param name="channelBinding">The tls-server-end-point data (<see cref="ChannelBinding.ServerEndPoint"/>); null without TLS.</param>
    /// <param name="plusOffered">True when SCRAM-SHA-256-PLUS was in the list the client saw: a client that says it saw none was lied to.</param>
    public static SaslServer? Create(string mechanism, IAuthenticator authenticator, LoginContext context, byte[]? channelBinding, bool plusOffered) =>
        mechanism.ToUpperInvariant() switch
        {
            SaslMechanisms.Plain => new PlainServer(authenticator, context),
            SaslMechanisms.Login => new LoginServer(authenticator, context),
            SaslMechanisms.ScramSha256 => new ScramServer(authenticator, context, null, plusOffered, ScramServer.NewNonce()),
            SaslMechanisms.ScramSha256Plus when channelBinding is not null => new ScramServer(authenticator, context, channelBinding, plusOffered, ScramServer.NewNonce()),
            _ => null,
        };
}
