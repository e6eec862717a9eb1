using Posthorn.Wire.Connections;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>DATA (RFC 5321 §4.1.1.4): the message as lines up to a dot.</summary>
sealed class DataCommand : SmtpCommand
{
    internal override string Verb => "DATA";
    internal override When When =>
        When.Everywhere | When.Greeted | When.LoggedIn | When.HasRecipients | When.NotInChunks | When.EndsGroup | When.Bare;
    internal override string Form => "DATA";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        var envelope = session.State.Envelope!;
        if (envelope.Mail.Body == BodyType.BinaryMime)
        {
            // RFC 3030 §3: BINARYMIME cannot be sent with DATA
            await session.DropEnvelopeAsync().ConfigureAwait(false);
            session.Refuse("503 5.5.1 BODY=BINARYMIME needs BDAT\r\n"u8);
            return;
        }
        if (envelope.Transaction.BeginData() is { } refusal)
        {
            await session.DropEnvelopeAsync().ConfigureAwait(false);
            session.Refuse(refusal);
            return;
        }
        session.Reply("354 End data with <CR><LF>.<CR><LF>\r\n"u8);
        session.Intake.Begin(envelope, dotted: true);
        var status = await session.Intake.ReadDottedAsync().ConfigureAwait(false);
        if (status == LineStatus.Line) await MessageEnd.RunAsync(session, envelope).ConfigureAwait(false);
        else session.EndBy(status);
    }
}
