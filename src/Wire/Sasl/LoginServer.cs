namespace Posthorn.Wire.Sasl;

/// <summary>
/// LOGIN: name and password in two answers. Never standardised, still what some clients try first; an initial response
/// is the name.
/// </summary>
sealed class LoginServer(IAuthenticator authenticator, LoginContext context) : SaslServer
{
    byte[]? _user;
    bool _asked, _over;

    public override string Name => SaslMechanisms.Login;

    public override bool ClientFirst => false;

    public override ValueTask<SaslStep> StepAsync(ReadOnlyMemory<byte> response, CancellationToken ct)
    {
        if (_over) return new(SaslStep.Malformed);
        if (_user is null)
        {
            if (response.IsEmpty && !_asked)
            {
                _asked = true;
                return new(SaslStep.Ask("Username:"u8.ToArray()));
            }
            if (response.IsEmpty) return End();
            _user = response.ToArray();
            return new(SaslStep.Ask("Password:"u8.ToArray()));
        }
        if (response.IsEmpty) return End();
        _over = true;
        return PasswordLogin.RunAsync(authenticator, context, Name, default, _user, response.Span, ct);
    }

    ValueTask<SaslStep> End()
    {
        _over = true;
        return new(SaslStep.Malformed);
    }
}
