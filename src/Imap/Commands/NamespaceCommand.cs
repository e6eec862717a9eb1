using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>NAMESPACE (RFC 9051 §6.3.10, RFC 2342): one's own mailboxes at the root, those of others below a name of their own.</summary>
sealed class NamespaceCommand : ImapCommand
{
    internal override string Verb => "NAMESPACE";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        session.Out.Raw("* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL\r\n"u8);
        return new(Reply.Ok("NAMESPACE completed"));
    }
}
