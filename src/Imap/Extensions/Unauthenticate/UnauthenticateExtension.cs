using Posthorn.Imap.Session;

namespace Posthorn.Imap.Extensions.Unauthenticate;

/// <summary>
/// UNAUTHENTICATE (RFC 8437). Not under COMPRESS: the octets with which a client ends its compressed stream cannot be told
/// from those that follow it.
/// </summary>
sealed class UnauthenticateExtension : ImapExtension
{
    internal override IReadOnlyList<ImapCommand> Commands { get; } = [new UnauthenticateCommand()];

    internal override void List(ImapSession session, List<string> words)
    {
        if (session.Who is not null && !session.Connection.Compressed) words.Add("UNAUTHENTICATE");
    }
}

/// <summary>UNAUTHENTICATE (RFC 8437 §3): the connection stays, the login goes.</summary>
sealed class UnauthenticateCommand : ImapCommand
{
    internal override string Verb => "UNAUTHENTICATE";

    internal override When When => When.LoggedIn;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        if (session.Connection.Compressed) return new(Reply.No("CANNOT", "not while the connection is compressed"));
        session.LogOut();
        return new(Reply.Ok(Capabilities.Code(session), "logged out, log in again"));
    }
}
