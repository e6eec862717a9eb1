namespace Posthorn.Smtp.Server.Commands;

/// <summary>What DATA and BDAT LAST share: the verdict over a whole message, its reply, and the end of the transaction.</summary>
static class MessageEnd
{
    static readonly SmtpReply Malformed = new(550, "5.5.2", "Bare CR, LF or NUL in message");
    static readonly SmtpReply TooLarge = new(552, "5.3.4", "Message too large");
    static readonly SmtpReply Fault = new(451, "4.3.0", "Internal error, try again later");

    /// <summary>The refusal for text that cannot be a message, or null.</summary>
    internal static SmtpReply? Refusal(SmtpSession session) => session.Intake.Verdict switch
    {
        IntakeVerdict.Malformed => Malformed,
        IntakeVerdict.TooLarge => TooLarge,
        IntakeVerdict.Fault => Fault,
        _ => null,
    };

    internal static async ValueTask RunAsync(SmtpSession session, Envelope envelope)
    {
        var lmtp = session.Client.Service == SmtpService.Lmtp;
        if (Refusal(session) is { } refusal)
        {
            await DropAsync(session, refusal).ConfigureAwait(false);
            // RFC 2033 §4.2: one reply for each recipient, whatever it is
            for (var i = 1; i < envelope.Accepted && lmtp && !session.Ended; i++) session.Reply(refusal);
            return;
        }
        IReadOnlyList<SmtpReply> replies;
        try
        {
            replies = await envelope.Transaction.CommitAsync(session.State.Verbose, session.Stop).ConfigureAwait(false);
        }
        catch (Exception e) when (!session.Stop.IsCancellationRequested)
        {
            session.LogFault(e, "commit");
            replies = [];
        }
        var wanted = lmtp ? envelope.Accepted : 1;
        var accepted = false;
        for (var i = 0; i < wanted; i++)
        {
            var reply = i < replies.Count ? replies[i] : Fault;
            accepted |= reply.Positive;
            session.Reply(reply);
        }
        if (accepted) session.Conduct.CountMessage();
        else session.Conduct.CountRefused();
        await session.DropEnvelopeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the transaction of a refused text and answers once.</summary>
    internal static async ValueTask DropAsync(SmtpSession session, SmtpReply refusal)
    {
        if (session.Intake.Fault is { } e) session.LogFault(e, "write");
        await session.DropEnvelopeAsync().ConfigureAwait(false);
        if (ReferenceEquals(refusal, Malformed)) session.Conduct.RefuseBareControl("550 5.5.2 Bare CR, LF or NUL in message\r\n"u8);
        else if (refusal.Temporary) session.Reply(refusal);
        else session.Refuse(refusal);
    }
}
