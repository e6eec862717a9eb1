using System.Text;
using Posthorn.Imap.Session;

namespace Posthorn.Imap.Commands;

/// <summary>CAPABILITY (RFC 9051 §6.1.1).</summary>
sealed class CapabilityCommand : ImapCommand
{
    internal override string Verb => "CAPABILITY";

    internal override When When => When.Any;

    internal override ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        arguments.None(session);
        session.Out.Raw("* CAPABILITY "u8);
        session.Out.Raw(Encoding.ASCII.GetBytes(string.Join(' ', Capabilities.List(session))));
        session.Out.EndLine();
        return new(Reply.Ok("CAPABILITY completed"));
    }
}
