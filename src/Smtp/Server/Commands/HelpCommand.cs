using System.Text;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>HELP (RFC 5321 §4.1.1.8): the verbs of this port, or the form of one.</summary>
sealed class HelpCommand : SmtpCommand
{
    internal override string Verb => "HELP";
    internal override When When => When.Everywhere | When.Junk;
    internal override string Form => "HELP [verb]";

    internal override ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (SmtpCommands.Find(argument.Span.Trim((byte)' ')) is { } command)
        {
            session.Reply("214 2.0.0 "u8, command.Form, "\r\n"u8);
            return default;
        }
        var verbs = new StringBuilder();
        foreach (var c in SmtpCommands.All)
            if (IsHere(c, session.Client.Service)) verbs.Append(' ').Append(c.Verb);
        session.Reply("214-2.0.0 Commands:"u8, verbs.ToString(), "\r\n214 2.0.0 HELP and a verb shows its form\r\n"u8);
        return default;
    }

    static bool IsHere(SmtpCommand c, SmtpService service) =>
        SmtpGate.Check(c.When & When.Everywhere, service, Stage.Greeted, loggedIn: true).Length == 0 && c is not XClientCommand;
}
