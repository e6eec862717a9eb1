using Posthorn.Smtp.Server;
using Posthorn.Wire.Connections;

namespace Posthorn.Smtp.Client;

/// <summary>
/// One transaction: MAIL, RCPT, the text, and what became of each recipient. With PIPELINING the whole envelope, DATA
/// included, goes out at once (RFC 2920); without it each command waits for the answer to the one before.
/// </summary>
sealed class OutgoingTransaction(ClientWire wire, SmtpPeer peer, bool lmtp, SmtpOutgoing message)
{
    /// <summary>
    /// So many octets of commands may be unanswered. Their answers fit into the buffers of the system, so that we never wait
    /// for the peer to read while it waits for us (RFC 2920 §3.1).
    /// </summary>
    const int Window = 32 * 1024;

    readonly record struct Step(SmtpStage Stage, string Line, int Recipient);

    readonly SmtpForwardResult?[] _results = new SmtpForwardResult?[message.Recipients.Count];
    readonly List<int> _accepted = [];
    bool _open, _goAhead, _pastEnd, _mayHaveTaken;

    // RFC 3030 §2; an LMTP server's answers to the last chunk are written down nowhere, so there only where it must be.
    bool Chunked => peer.Chunking && (!lmtp || message.Body == BodyType.BinaryMime);

    internal async ValueTask<SmtpOutcome> RunAsync(CancellationToken ct)
    {
        var cancellation = ct.UnsafeRegister(static c => ((Connection)c!).Abort(), wire.Connection);
        try
        {
            if (Lacking() is { } lacking) DecideRest(null, SmtpStage.Mail, lacking);
            else if (message.Recipients.Count > 0) await EnvelopeAsync(ct).ConfigureAwait(false);
            if (_accepted.Count > 0 && !wire.Broken && (Chunked || _goAhead)) await SendTextAsync(cancellation, ct).ConfigureAwait(false);
            else if (_goAhead && !wire.Broken) await EndNothingAsync().ConfigureAwait(false);
        }
        finally
        {
            await cancellation.DisposeAsync().ConfigureAwait(false);
        }
        if (!_pastEnd) ct.ThrowIfCancellationRequested();
        if (_open && !wire.Broken) await ResetAsync().ConfigureAwait(false);
        MendTooMany();
        return new SmtpOutcome(_results!, _mayHaveTaken, !wire.Broken);
    }

    /// <summary>What the message needs and the peer has not, found before anything is sent.</summary>
    SmtpFailure? Lacking()
    {
        var needsUtf8 = message.SmtpUtf8 || message.ReversePath is { NeedsSmtpUtf8: true };
        var what = needsUtf8 && !peer.SmtpUtf8 ? "the message needs SMTPUTF8, which the server does not offer"
            : message.Body == BodyType.BinaryMime && !(peer.BinaryMime && peer.Chunking) ? "the message is binary, and the server does not offer BINARYMIME"
            : peer.Size is { } most && message.Content.Length > most ? $"the message of {message.Content.Length} octets is larger than the {most} that the server takes"
            : null;
        return what is null ? null : new SmtpFailure(SmtpStage.Mail, SmtpFailureKind.Missing, null, what);
    }

    List<Step> Steps()
    {
        var recipients = message.Recipients;
        var steps = new List<Step>(recipients.Count + 2);
        var utf8 = message.SmtpUtf8 || message.ReversePath is { NeedsSmtpUtf8: true };
        for (var i = 0; i < recipients.Count; i++)
        {
            if (recipients[i].Recipient.NeedsSmtpUtf8 && !peer.SmtpUtf8)
            {
                Decide(i, null, SmtpStage.Rcpt, new SmtpFailure(SmtpStage.Rcpt, SmtpFailureKind.Missing, null, "the address needs SMTPUTF8, which the server does not offer"));
                continue;
            }
            utf8 |= recipients[i].Recipient.NeedsSmtpUtf8;
            steps.Add(new(SmtpStage.Rcpt, EnvelopeLines.Rcpt(recipients[i], peer), i));
        }
        if (steps.Count == 0) return steps;
        steps.Insert(0, new(SmtpStage.Mail, EnvelopeLines.Mail(message, peer, utf8), -1));
        if (!Chunked) steps.Add(new(SmtpStage.Data, "DATA", -1));
        return steps;
    }

    async ValueTask EnvelopeAsync(CancellationToken ct)
    {
        var steps = Steps();
        var next = 0;
        while (next < steps.Count)
        {
            // In a group DATA goes along; alone it is not worth asking when nobody was accepted.
            if (next > 0 && (!_open || steps[next].Stage == SmtpStage.Data && _accepted.Count == 0)) break;
            var end = next;
            for (var octets = 0; end < steps.Count && octets < Window; end++)
            {
                wire.Command(steps[end].Line);
                octets += steps[end].Line.Length + 2;
                if (!peer.Pipelining) octets = Window;
            }
            for (; next < end; next++)
                if (!await TakeAsync(steps[next]).ConfigureAwait(false)) return;
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Reads the answer to one step; false when the dialogue is over.</summary>
    async ValueTask<bool> TakeAsync(Step step)
    {
        var timeout = step.Stage switch { SmtpStage.Mail => wire.Timeouts.Mail, SmtpStage.Rcpt => wire.Timeouts.Rcpt, _ => wire.Timeouts.Data };
        var (reply, failure) = await wire.ReplyAsync(step.Stage, timeout).ConfigureAwait(false);
        if (reply is { Code: < 400 } && !(step.Stage == SmtpStage.Data ? reply.Code == 354 : reply.Code < 300))
            (reply, failure) = wire.Garbage(step.Stage, SmtpWords.Of(reply));
        if (reply is null || reply.Code == 421)
        {
            DecideRest(reply, step.Stage, failure);
            return false;
        }
        switch (step.Stage)
        {
            case SmtpStage.Mail when reply.Positive: _open = true; break;
            case SmtpStage.Rcpt when !_open: break; // MAIL has decided already
            case SmtpStage.Rcpt when reply.Positive: _accepted.Add(step.Recipient); break; // 250, 251 and 252 alike (RFC 5321 §3.4, §3.5.3)
            case SmtpStage.Rcpt: Decide(step.Recipient, reply, step.Stage, null); break;
            case SmtpStage.Data when reply.Positive: _goAhead = true; break;
            default: DecideRest(reply, step.Stage, null); break;
        }
        return true;
    }

    // RFC 5321 §4.5.3.1.10: servers of old say 552 for too many recipients; the rest may come in another transaction. With an
    // enhanced code of another kind it is what it says (5.2.2, a full mailbox).
    void MendTooMany()
    {
        if (_accepted.Count == 0) return;
        for (var i = 0; i < _results.Length; i++)
            if (_results[i] is { Stage: SmtpStage.Rcpt, Reply: { Code: 552, Enhanced: null or "5.5.3" } many } result)
                _results[i] = result with { Reply = new SmtpReply(452, "4.5.3", many.Lines) };
    }

    // RFC 2920 §3.1: the server wants text for nobody. A lone dot ends it.
    async ValueTask EndNothingAsync()
    {
        if (lmtp)
        {
            // No recipient, no answer to the dot: nothing to wait for, and no telling where the server stands.
            wire.Break(SmtpStage.FinalDot, SmtpFailureKind.Garbage, "the server wants text for no recipients");
            return;
        }
        _open = false;
        wire.Connection.Write(".\r\n"u8);
        await wire.ReplyAsync(SmtpStage.FinalDot, wire.Timeouts.Dot).ConfigureAwait(false);
    }

    async ValueTask SendTextAsync(CancellationTokenRegistration cancellation, CancellationToken ct)
    {
        var text = new OutgoingText(wire, message);
        var stopped = Chunked
            ? await text.SendChunksAsync(cancellation, ct).ConfigureAwait(false)
            : await text.SendDottedAsync(cancellation, ct).ConfigureAwait(false);
        if (stopped is { } early)
        {
            DecideRest(early.Reply, SmtpStage.Text, early.Failure);
            return;
        }
        (_open, _pastEnd) = (false, true);
        if (lmtp) await AnswersAsync().ConfigureAwait(false);
        else
        {
            var answer = await EndAsync().ConfigureAwait(false);
            DecideRest(answer.Reply, SmtpStage.FinalDot, answer.Failure);
        }
    }

    // RFC 2033 §4.2: one answer for each recipient that was accepted, in their order.
    async ValueTask AnswersAsync()
    {
        foreach (var recipient in _accepted)
        {
            var answer = await EndAsync().ConfigureAwait(false);
            if (wire.Broken)
            {
                DecideRest(answer.Reply, SmtpStage.FinalDot, answer.Failure);
                return;
            }
            Decide(recipient, answer.Reply, SmtpStage.FinalDot, null);
        }
    }

    async ValueTask<Answer> EndAsync()
    {
        var answer = await wire.ReplyAsync(SmtpStage.FinalDot, wire.Timeouts.Dot).ConfigureAwait(false);
        if (answer.Reply is { Code: >= 300 and < 400 } odd) answer = wire.Garbage(SmtpStage.FinalDot, SmtpWords.Of(odd));
        if (answer.Failure is not null) _mayHaveTaken = true;
        return answer;
    }

    async ValueTask ResetAsync()
    {
        var answer = await wire.AskAsync(SmtpStage.Reset, "RSET", wire.Timeouts.Quit).ConfigureAwait(false);
        if (answer.Reply is { Positive: false }) wire.Garbage(SmtpStage.Reset, SmtpWords.Of(answer.Reply));
    }

    void DecideRest(SmtpReply? reply, SmtpStage stage, SmtpFailure? failure)
    {
        for (var i = 0; i < _results.Length; i++) Decide(i, reply, stage, failure);
    }

    void Decide(int recipient, SmtpReply? reply, SmtpStage stage, SmtpFailure? failure) =>
        _results[recipient] ??= new SmtpForwardResult(stage == SmtpStage.FinalDot && reply is { Positive: true }, reply, stage, failure);
}
