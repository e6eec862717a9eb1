using System.Text;

namespace Posthorn.Wire.Sasl;

/// <summary>
/// LOGIN from the client's side: the name to the first question, the password to the second. The words of the questions
/// differ between servers and are not looked at.
/// </summary>
sealed class LoginClient(string user, string password) : SaslClient
{
    int _asked;

    public override string Name => SaslMechanisms.Login;

    public override bool ShowsSecret => true;

    public override byte[]? Initial() => null;

    public override byte[]? Answer(ReadOnlySpan<byte> challenge) => ++_asked switch
    {
        1 => Encoding.UTF8.GetBytes(user),
        2 => Encoding.UTF8.GetBytes(password),
        _ => null,
    };
}
