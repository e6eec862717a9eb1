using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3.Commands;

/// <summary>PASS (RFC 1939 §7), right after USER. Spaces belong to the password.</summary>
sealed class PassCommand : Pop3Command
{
    const string Mechanism = "USER";

    internal override string Verb => "PASS";

    internal override When When => When.Authorization | When.NeedsArgument | When.Utf8Line;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        byte[]? password = null;
        try
        {
            if (!session.MayLogIn)
            {
                session.Err("no login before TLS: use STLS");
                return;
            }
            if (session.UserName is not { } user)
            {
                session.Err("send USER first");
                return;
            }
            session.UserName = null;
            password = SaslPrep.Prepare(argument.Span);
            var result = password is not { Length: > 0 } ? new LoginResult(LoginOutcome.Rejected)
                : await session.Server.Authenticator.PasswordAsync(session.LoginContext, Mechanism, "", user, password, ct).ConfigureAwait(false);
            session.EndLogin(result, Mechanism);
        }
        finally
        {
            Secrets.Wipe(argument);
            Secrets.Wipe(password);
        }
    }
}
