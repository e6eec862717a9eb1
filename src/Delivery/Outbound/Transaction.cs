using Microsoft.Extensions.Logging;
using Posthorn.Smtp.Client;
using Posthorn.Smtp.Server;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Outbound;

/// <summary>How a transaction left its session.</summary>
/// <param name="BeforeMail">Why MAIL was not accepted, when that is no answer about the message; then no recipient has a result.</param>
readonly record struct TransactionEnd(bool Reusable, SmtpFailure? BeforeMail);

/// <summary>One message on one session: what the peer cannot take is converted or refused before, its answers become results.</summary>
sealed class Transaction(ResultSheet sheet, HostSession host, MessageText text, ILogger logger)
{
    /// <summary>The peer may have the message: it gets time to finish before it sees it again (promise 8).</summary>
    static readonly TimeSpan AfterDot = TimeSpan.FromMinutes(5);

    readonly QueuedMessage _message = sheet.Job.Message;
    readonly SmtpPeer _peer = host.Session.Peer;

    internal async ValueTask<TransactionEnd> RunAsync(CancellationToken ct)
    {
        var utf8 = NeedsUtf8(out var sender);
        if (sheet.Open.Count == 0) return new(true, null);
        var most = _peer.BinaryMime && _peer.Chunking ? BodyType.BinaryMime : _peer.EightBitMime ? BodyType.EightBitMime : BodyType.SevenBit;
        if (await text.ForAsync(most).ConfigureAwait(false) is not var (content, type))
            return Refuse("6.3", "the next host does not take 8-bit text, and a part of the message cannot be converted");
        if (_peer.Size is > 0 && content.Length > _peer.Size)
            return Refuse("3.4", $"the message has {content.Length} octets, the next host takes {_peer.Size}");

        for (var first = true; ; first = false)
        {
            var round = sheet.Open.ToArray();
            var forwards = Array.ConvertAll(round, i => new SmtpForward(sheet.Addresses[i]!, sheet.Job.Recipients[i].Notify, sheet.Job.Recipients[i].OriginalRecipient));
            var leased = Array.ConvertAll(round, i => sheet.Job.Recipients[i]);
            var outcome = await host.Session.SendAsync(new(sender, forwards, content, type, utf8, _message.Return, _message.EnvelopeId) { DotSent = () => sheet.Job.Journal.DotSent(leased) }, ct).ConfigureAwait(false);
            host.Used++;
            if (first && NotBegun(outcome) is { } failure) return new(outcome.Reusable, failure);
            var accepted = Take(round, outcome);
            // RFC 5321 §4.5.3.1.10: the peer takes so many recipients at once; the others are offered in another transaction.
            if (sheet.Open.Count == 0 || !accepted || !outcome.Reusable || host.Used >= HostSession.MostMessages)
            {
                sheet.Finish(new(AttemptStatus.Deferred, "5.3", "the next host takes no more recipients of one message now", DestinationHealth.Good) { Relay = host.Relay, Tls = _peer.Tls });
                return new(outcome.Reusable, null);
            }
        }
    }

    /// <summary>
    /// True when the transaction needs SMTPUTF8 (RFC 6531 §3.4). A message that came with it and does not need it goes as any
    /// other; recipients that need it fail where the peer does not have it. A header with octets over 127 that came without
    /// SMTPUTF8 goes as it came: it was no worse on the way here.
    /// </summary>
    bool NeedsUtf8(out EmailAddress? sender)
    {
        sender = _message.ReversePath.Length == 0 ? null : EmailAddress.TryParse(_message.ReversePath);
        if (sender is null && _message.ReversePath.Length > 0)
        {
            Refuse("1.7", "the sender is not an address that can be written in SMTP");
            return false;
        }
        var all = sender is { NeedsSmtpUtf8: true } || _message.SmtpUtf8 && text.HasEightBitHeader;
        if (_peer.SmtpUtf8) return all || sheet.Open.Any(i => sheet.Addresses[i]!.NeedsSmtpUtf8);
        foreach (var i in sheet.Open.Where(i => all || sheet.Addresses[i]!.NeedsSmtpUtf8).ToArray())
            sheet.Set(i, Result(i, AttemptStatus.Failed, "5.6.7", "the next host does not take addresses or header fields outside ASCII (SMTPUTF8)"));
        sheet.Note(DestinationHealth.Good);
        return false;
    }

    TransactionEnd Refuse(string detail, string why)
    {
        sheet.Finish(new(AttemptStatus.Failed, detail, why, DestinationHealth.Good) { Relay = host.Relay, Tls = _peer.Tls });
        return new(true, null);
    }

    /// <summary>What kept the transaction from beginning, when another host may know better: 4xx to MAIL, or no reply to it.</summary>
    static SmtpFailure? NotBegun(SmtpOutcome outcome)
    {
        var first = outcome.Recipients[0];
        if (first.Accepted || first.Stage is > SmtpStage.Mail and not SmtpStage.Reset) return null;
        if (first.Reply is { } reply) return reply.Temporary ? new(first.Stage, SmtpFailureKind.Reply, reply, ReplyWords.Line(reply)) : null;
        return first.Failure is { Kind: SmtpFailureKind.Closed or SmtpFailureKind.Timeout or SmtpFailureKind.Garbage } failure ? failure : null;
    }

    /// <summary>Writes results; those who were one too many stay open. True when the peer took the message for somebody.</summary>
    bool Take(int[] round, SmtpOutcome outcome)
    {
        var accepted = outcome.Recipients.Any(r => r.Accepted);
        for (var k = 0; k < round.Length; k++)
        {
            var (i, r) = (round[k], outcome.Recipients[k]);
            if (accepted && outcome.Reusable && IsTooMany(r)) continue;
            var result = r switch
            {
                { Accepted: true } => Accepted(i, r.Reply),
                { Reply: { } reply } => Refused(i, r, reply, accepted),
                _ => Broken(i, r, outcome.MayHaveTaken),
            };
            sheet.Set(i, result);
            if (r.Accepted) sheet.Job.Journal.Taken(result.Recipient, result.Reply);
        }
        sheet.Note(outcome.Recipients.Any(r => r.Reply is { Code: 421 } || r.Failure is { Kind: SmtpFailureKind.Closed or SmtpFailureKind.Timeout or SmtpFailureKind.Garbage })
            ? DestinationHealth.Busy : DestinationHealth.Good);
        return accepted;
    }

    static bool IsTooMany(SmtpForwardResult r) => r is { Accepted: false, Stage: SmtpStage.Rcpt, Reply: { Code: 452 or 552, Enhanced: null or "4.5.3" or "5.5.3" } };

    RecipientResult Accepted(int i, SmtpReply? reply) =>
        Result(i, AttemptStatus.Delivered, ReplyWords.Enhanced(reply, AttemptStatus.Delivered), reply is null ? "250" : ReplyWords.Line(reply), fromPeer: reply is not null) with { DsnPassed = _peer.Dsn };

    RecipientResult Refused(int i, SmtpForwardResult r, SmtpReply reply, bool othersAccepted)
    {
        // 552 to RCPT is an old name of 452 (RFC 5321 §4.5.3.1.10) where others of the message went through. What is no
        // refusal by its code is none at all, and what is not known is temporary.
        var tooMany = othersAccepted && IsTooMany(r);
        var status = reply.Code >= 500 && !tooMany ? AttemptStatus.Failed : AttemptStatus.Deferred;
        return Result(i, status, ReplyWords.Enhanced(reply, status, r.Stage == SmtpStage.Rcpt && tooMany ? "5.3" : "0.0"), ReplyWords.Line(reply), fromPeer: true);
    }

    RecipientResult Broken(int i, SmtpForwardResult r, bool mayHaveTaken)
    {
        var failure = r.Failure;
        var said = ReplyWords.Clean(failure?.Text ?? "the session ended");
        if (mayHaveTaken && r.Stage == SmtpStage.FinalDot)
        {
            OutboundLog.MayHaveTaken(logger, sheet.Id, host.Relay);
            return Result(i, AttemptStatus.Deferred, "4.4.2", $"no answer to the end of the message, it may have arrived all the same: {said}") with { NotBefore = AfterDot };
        }
        return failure?.Kind switch
        {
            SmtpFailureKind.Missing => Result(i, AttemptStatus.Failed, "5.6.3", said),
            SmtpFailureKind.BadContent => Result(i, AttemptStatus.Failed, "5.6.0", said),
            SmtpFailureKind.Garbage => Result(i, AttemptStatus.Deferred, "4.5.0", said),
            _ => Result(i, AttemptStatus.Deferred, "4.4.2", said),
        };
    }

    RecipientResult Result(int i, AttemptStatus status, string enhanced, string reply, bool fromPeer = false) =>
        new(sheet.Job.Recipients[i], status, enhanced, reply, fromPeer, host.Relay, _peer.Tls);
}
