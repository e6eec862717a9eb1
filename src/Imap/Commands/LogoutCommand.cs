using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>LOGOUT (RFC 9051 §6.1.3).</summary>
sealed class LogoutCommand : ImapCommand
{
    internal override string Verb => "LOGOUT";

    internal override When When => When.Any;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        session.Untagged("BYE"u8, null, "logging out");
        session.Tagged("OK"u8, null, "LOGOUT completed");
        session.End("logout");
        return new(Reply.None);
    }
}
