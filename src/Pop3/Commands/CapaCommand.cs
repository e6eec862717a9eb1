using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3.Commands;

/// <summary>CAPA (RFC 2449 §5). Says only what holds on this connection now: no USER or SASL where logins are refused.</summary>
sealed class CapaCommand : Pop3Command
{
    internal override string Verb => "CAPA";

    internal override When When => When.Authorization | When.Transaction;

    internal override ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.Write("+OK capabilities follow\r\n"u8);
        session.Write("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUTF8 USER\r\n"u8);
        // RFC 2595 §4: STLS is listed where it is permitted in the current state.
        if (session.Maildrop is null && session.TlsOptions is not null) session.Write("STLS\r\n"u8);
        if (session.MayLogIn)
        {
            session.Write("USER\r\nSASL"u8);
            foreach (var name in SaslMechanisms.Offered(session.Encrypted, plaintextAllowed: true, session.ChannelBindingData() is not null))
            {
                session.Write(" "u8);
                session.Write(System.Text.Encoding.ASCII.GetBytes(name));
            }
            session.Write("\r\n"u8);
        }
        session.Write("IMPLEMENTATION Posthorn\r\n.\r\n"u8);
        return default;
    }
}
