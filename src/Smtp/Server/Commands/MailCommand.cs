using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>MAIL (RFC 5321 §4.1.1.2): opens a transaction.</summary>
sealed class MailCommand : SmtpCommand
{
    internal override string Verb => "MAIL";
    internal override When When => When.Everywhere | When.Greeted | When.LoggedIn | When.NotInMail;
    internal override string Form => "MAIL FROM:<address> [SIZE=n] [BODY=type] [SMTPUTF8] [RET=type] [ENVID=text] [AUTH=address]";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var mail = MailArguments.Parse(argument.Span);
        if (session.Conduct.OutOfTransactions)
        {
            session.End("421 4.7.0 Too many messages in one session\r\n"u8, "too many transactions");
            return;
        }
        if (mail.Size > session.Options.MaxMessageSize)
        {
            session.Refuse("552 5.3.4 Message too large\r\n"u8); // RFC 1870 §6.1
            return;
        }
        var (transaction, refusal) = await session.Backend.MailAsync(session.Client, mail, session.Stop).ConfigureAwait(false);
        if (transaction is null)
        {
            session.Refuse(refusal ?? throw new InvalidOperationException("MAIL was neither accepted nor refused"));
            return;
        }
        session.Open(new Envelope(transaction, mail));
        session.Reply("250 2.1.0 Ok\r\n"u8);
    }
}
