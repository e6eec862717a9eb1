using System.Text;
using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Commands;

/// <summary>LOGIN (RFC 9051 §6.2.3), under TLS or where the listener allows it on loopback.</summary>
sealed class LoginCommand : ImapCommand
{
    internal override string Verb => "LOGIN";

    internal override When When => When.Stranger;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        byte[]? password = null;
        try
        {
            if (!session.MayLogIn) return Reply.No("PRIVACYREQUIRED", "no login before TLS: use STARTTLS");
            var user = Read(session, arguments, out password);
            if (user is null || password is not { Length: > 0 }) return session.RefuseLogin(LoginOutcome.Rejected, Verb);
            var result = await session.Server.Authenticator.PasswordAsync(session.LoginContext, Verb, "", user, password, ct).ConfigureAwait(false);
            return result is { Outcome: LoginOutcome.Accepted, Principal: { } who } ? session.LogIn(who) : session.RefuseLogin(result.Outcome, Verb);
        }
        finally
        {
            Secrets.Wipe(arguments.Text[arguments.Start..]);
            Secrets.Wipe(password);
        }
    }

    /// <summary>The name, or null when it is none.</summary>
    static string? Read(ImapSession session, Arguments arguments, out byte[]? password)
    {
        var reader = arguments.Read(session);
        reader.SP();
        var user = SaslPrep.Prepare(reader.AString());
        reader.SP();
        password = SaslPrep.Prepare(reader.AString());
        reader.End();
        return user is { Length: > 0 } ? Encoding.UTF8.GetString(user) : null;
    }
}
