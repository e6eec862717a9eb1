namespace Posthorn.Smtp.Server.Commands;

/// <summary>EXPN (RFC 5321 §4.1.1.7): the members of an alias, for users only.</summary>
sealed class ExpnCommand : SmtpCommand
{
    internal override string Verb => "EXPN";
    internal override When When => When.OnRelay | When.OnSubmission | When.Junk;
    internal override string Form => "EXPN alias";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (!session.LoggedIn)
        {
            session.Reply("502 5.7.0 Not for strangers\r\n"u8);
            return;
        }
        var list = WhoArgument.Parse(argument.Span, out var utf8);
        var members = await session.Backend.ExpandAsync(session.Client, list, session.Stop).ConfigureAwait(false);
        if (members is { Count: > 0 }) session.Reply(new SmtpReply(250, "2.1.5", [.. members]), utf8);
        else session.Refuse("550 5.1.1 No such list\r\n"u8);
    }
}
