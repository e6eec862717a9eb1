using Posthorn.Smtp.Grammar;
using Posthorn.Wire.Connections;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>
/// BDAT (RFC 3030 §2): the message in counted chunks. The octets of a chunk follow its command whatever we think of it, so
/// they are always taken off the wire before the reply.
/// </summary>
sealed class BdatCommand : SmtpCommand
{
    internal override string Verb => "BDAT";
    internal override When When => When.Everywhere | When.Greeted | When.LoggedIn | When.HasRecipients;
    internal override string Form => "BDAT octets [LAST]";

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (!TryParse(session, argument, out var size, out var last)) return;
        var envelope = session.State.Envelope!;
        var intake = session.Intake;
        if (++envelope.Chunks > session.Options.MaxChunks)
        {
            session.End("421 4.7.0 Too many chunks\r\n"u8, "too many chunks");
            return;
        }
        SmtpReply? refusal = null;
        if (envelope.Chunks == 1)
        {
            refusal = envelope.Transaction.BeginData();
            intake.Begin(refusal is null ? envelope : null, dotted: false);
        }
        var status = await intake.ReadChunkAsync(size, last).ConfigureAwait(false);
        if (status != LineStatus.Line)
        {
            session.EndBy(status);
            return;
        }
        if (refusal is null && last)
        {
            await MessageEnd.RunAsync(session, envelope).ConfigureAwait(false);
            return;
        }
        refusal ??= MessageEnd.Refusal(session);
        if (refusal is null)
        {
            session.Reply("250 2.0.0 Chunk received\r\n"u8);
            return;
        }
        // RFC 3030 §2: after a failed chunk nothing is left of the transaction; the chunks already under way get 503
        session.State.SkippingChunks = !last;
        await MessageEnd.DropAsync(session, refusal).ConfigureAwait(false);
    }

    internal override async ValueTask RefuseAsync(SmtpSession session, ReadOnlyMemory<byte> argument, ReadOnlyMemory<byte> reply)
    {
        if (!TryParse(session, argument, out var size, out var last)) return;
        session.Intake.Begin(null, dotted: false);
        var status = await session.Intake.ReadChunkAsync(size, last).ConfigureAwait(false);
        if (status != LineStatus.Line) session.EndBy(status);
        else if (session.State.SkippingChunks) session.Conduct.SkipChunk(last);
        else session.Refuse(reply.Span);
    }

    // Without the size the stream has lost its place: what follows could be text or commands.
    static bool TryParse(SmtpSession session, ReadOnlyMemory<byte> argument, out long size, out bool last)
    {
        if (ChunkArguments.TryParse(argument.Span, out size, out last)) return true;
        session.End("501 5.5.4 BDAT octets [LAST]\r\n"u8, "bad BDAT");
        return false;
    }
}
