using System.Text;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>VRFY (RFC 5321 §4.1.1.6, §7.3): strangers learn nothing; users get an answer.</summary>
sealed class VrfyCommand : SmtpCommand
{
    internal override string Verb => "VRFY";
    internal override When When => When.Everywhere | When.Junk;
    internal override string Form => "VRFY address";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var who = WhoArgument.Parse(argument.Span, out var utf8);
        if (!session.LoggedIn)
        {
            session.Reply("252 2.5.0 Cannot verify, but will take mail for it and try\r\n"u8);
            return;
        }
        var found = await session.Backend.VerifyAsync(session.Client, who, session.Stop).ConfigureAwait(false);
        if (found is not { Count: > 0 }) session.Refuse("550 5.1.1 No such user\r\n"u8);
        else if (found.Count == 1) session.Reply(new SmtpReply(250, "2.1.5", found[0]), utf8);
        else session.Reply(new SmtpReply(553, "5.1.4", [.. found]), utf8); // RFC 5321 §3.5.1: ambiguous, with the choices
    }
}

/// <summary>The argument of VRFY and EXPN: a string, then perhaps SMTPUTF8 (RFC 6531 §3.7.4.2).</summary>
static class WhoArgument
{
    internal static string Parse(ReadOnlySpan<byte> text, out bool utf8)
    {
        text = text.Trim((byte)' ');
        utf8 = text.Length > 9 && Ascii.EqualsIgnoreCase(text[^9..], " SMTPUTF8"u8);
        if (utf8) text = text[..^9].TrimEnd((byte)' ');
        if (text.Length > 1 && text[0] == '<' && text[^1] == '>') text = text[1..^1];
        if (text.Length == 0 || !System.Text.Unicode.Utf8.IsValid(text)) throw new Grammar.BadSyntax(Grammar.SmtpFault.Arguments);
        foreach (var c in text)
            if (c is < 32 or 127) throw new Grammar.BadSyntax(Grammar.SmtpFault.ControlInAddress);
        if (!utf8 && !Ascii.IsValid(text)) throw new Grammar.BadSyntax(Grammar.SmtpFault.NeedsSmtpUtf8);
        return Encoding.UTF8.GetString(text);
    }
}
