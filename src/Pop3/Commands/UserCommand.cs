using System.Text;
using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3.Commands;

/// <summary>USER (RFC 1939 §7): answered alike for every name; UTF-8 and SASLprep by RFC 6856 §2.2.</summary>
sealed class UserCommand : Pop3Command
{
    internal override string Verb => "USER";

    internal override When When => When.Authorization | When.NeedsArgument | When.Utf8Line;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.UserName = null;
        if (!session.MayLogIn) session.Err("no login before TLS: use STLS");
        else if (SaslPrep.Prepare(argument.Span) is not { Length: > 0 } name) session.Err("not a valid name");
        else
        {
            session.UserName = Encoding.UTF8.GetString(name);
            session.Write("+OK send PASS\r\n"u8);
        }
        return default;
    }
}
