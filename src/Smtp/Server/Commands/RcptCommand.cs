using Posthorn.Smtp.Grammar;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>RCPT (RFC 5321 §4.1.1.3): adds a recipient.</summary>
sealed class RcptCommand : SmtpCommand
{
    internal override string Verb => "RCPT";
    internal override When When => When.Everywhere | When.Greeted | When.LoggedIn | When.InMail | When.NotInChunks;
    internal override string Form => "RCPT TO:<address> [NOTIFY=list] [ORCPT=type;address]";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var envelope = session.State.Envelope!;
        var rcpt = RcptArguments.Parse(argument.Span, envelope.Mail.SmtpUtf8, session.Options.Hostname);
        if (envelope.Accepted >= session.Options.MaxRecipients)
        {
            session.Reply("452 4.5.3 Too many recipients\r\n"u8); // RFC 5321 §4.5.3.1.10
            return;
        }
        var reply = await envelope.Transaction.RecipientAsync(rcpt, session.Stop).ConfigureAwait(false);
        if (reply.Positive)
        {
            envelope.Accepted++;
            session.Reply(reply);
            return;
        }
        envelope.Refused++;
        // X.1.x speaks of addresses (RFC 3463 §3.2)
        if (!reply.Temporary && reply.Enhanced is { } e && e.StartsWith("5.1.", StringComparison.Ordinal)) session.Conduct.RefuseUnknownRecipient(reply);
        else session.Refuse(reply);
    }
}
