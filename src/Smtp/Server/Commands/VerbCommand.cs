namespace Posthorn.Smtp.Server.Commands;

/// <summary>VERB: from here the final reply of a message lists what was done for each recipient. Not for strangers.</summary>
sealed class VerbCommand : SmtpCommand
{
    internal override string Verb => "VERB";
    internal override When When => When.Everywhere | When.Junk;
    internal override string Form => "VERB [ON|OFF]";

    internal override ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var word = argument.Span.Trim((byte)' ');
        if (session.IsStranger) session.Reply("502 5.7.0 Not for strangers\r\n"u8);
        else if (word.Length == 0 || System.Text.Ascii.EqualsIgnoreCase(word, "ON"u8)) Set(session, true);
        else if (System.Text.Ascii.EqualsIgnoreCase(word, "OFF"u8)) Set(session, false);
        else session.Refuse("501 5.5.4 VERB [ON|OFF]\r\n"u8);
        return default;
    }

    static void Set(SmtpSession session, bool verbose)
    {
        session.State.Verbose = verbose;
        session.Reply(verbose ? "250 2.0.0 Verbose\r\n"u8 : "250 2.0.0 Terse\r\n"u8);
    }
}
