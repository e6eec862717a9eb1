namespace Posthorn.Wire.Sasl;

/// <summary>
/// The client's side of one SASL exchange (RFC 4422), without any protocol around it: base64 and the words of commands
/// and answers belong to the protocol. One object serves one exchange.
/// </summary>
public abstract class SaslClient
{
    /// <summary>The mechanism's registered name.</summary>
    public abstract string Name { get; }

    /// <summary>True when the secret itself goes to the server, so that only an encrypted or local connection may carry it.</summary>
    public abstract bool ShowsSecret { get; }

    /// <summary>
    /// True when the server has still to prove that it knows the password: success without that is no success
    /// (RFC 5802 §5). Only mechanisms with a mutual proof are ever true.
    /// </summary>
    public virtual bool ProofMissing => false;

    /// <summary>What the server said besides its answer, decoded, not cleaned; null for nothing.</summary>
    public virtual string? ServerError => null;

    /// <summary>What goes with the command itself; null where the server speaks first. The array is the caller's to wipe.</summary>
    public abstract byte[]? Initial();

    /// <summary>
    /// The answer to a challenge; null to give up, because the challenge is malformed or the server is not who it should
    /// be. The array is the caller's to wipe.
    /// </summary>
    public abstract byte[]? Answer(ReadOnlySpan<byte> challenge);

    /// <summary>
    /// The mechanisms that a password works with and the server offers, the strongest first: SCRAM-SHA-256, PLAIN, LOGIN.
    /// </summary>
    public static IReadOnlyList<SaslClient> ForPassword(IReadOnlyList<string> offered, string user, string password)
    {
        var fitting = new List<SaslClient>();
        if (Offers(offered, SaslMechanisms.ScramSha256)) fitting.Add(new ScramSha256Client(user, password, ScramServer.NewNonce()));
        if (Offers(offered, SaslMechanisms.Plain)) fitting.Add(new PlainClient(user, password));
        if (Offers(offered, SaslMechanisms.Login)) fitting.Add(new LoginClient(user, password));
        return fitting;
    }

    /// <summary>XOAUTH2 where it is offered.</summary>
    public static IReadOnlyList<SaslClient> ForToken(IReadOnlyList<string> offered, string user, string token) =>
        Offers(offered, SaslMechanisms.XOAuth2) ? [new XOAuth2Client(user, token)] : [];

    static bool Offers(IReadOnlyList<string> offered, string mechanism) => offered.Contains(mechanism, StringComparer.OrdinalIgnoreCase);
}
