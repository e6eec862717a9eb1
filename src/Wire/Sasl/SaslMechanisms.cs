namespace Posthorn.Wire.Sasl;

/// <summary>The mechanisms and when they may be offered.</summary>
public static class SaslMechanisms
{
    internal const string Plain = "PLAIN";
    internal const string Login = "LOGIN";
    internal const string ScramSha256 = "SCRAM-SHA-256";
    internal const string ScramSha256Plus = "SCRAM-SHA-256-PLUS";
    internal const string XOAuth2 = "XOAUTH2";

    static readonly string[] WithBinding = [ScramSha256Plus, ScramSha256, Plain, Login];
    static readonly string[] WithoutBinding = [ScramSha256, Plain, Login];

    /// <summary>
    /// The names to list, strongest first. Nothing without TLS unless the listener allows logins in the clear (loopback):
    /// SCRAM would hide the password there, but not the session that follows it.
    /// </summary>
    public static IReadOnlyList<string> Offered(bool encrypted, bool plaintextAllowed, bool hasChannelBinding) =>
        !encrypted && !plaintextAllowed ? [] : encrypted && hasChannelBinding ? WithBinding : WithoutBinding;
}
