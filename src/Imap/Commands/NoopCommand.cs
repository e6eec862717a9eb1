using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>
/// NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1), which is the same here: what was acknowledged is durable already. What
/// has changed is told by the session, as after any command.
/// </summary>
sealed class NoopCommand(string verb, When when) : ImapCommand
{
    internal override string Verb => verb;

    internal override When When => when;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        return new(Reply.Ok($"{verb} completed"));
    }
}
