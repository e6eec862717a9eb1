using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Routing;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>Why a queued message's sender is written to.</summary>
enum NoticeReason { Failed, Delayed, Delivered }

/// <summary>One recipient of a queued message that there is something to tell about.</summary>
/// <param name="TryUntil">Of a delayed one: when it will be given up.</param>
/// <param name="Expired">Of a failed one: true when it was given up for its age, and <paramref name="Result"/> is what the last attempt met.</param>
readonly record struct ToldRecipient(RecipientResult Result, NoticeReason Reason, DateTimeOffset TryUntil, bool Expired);

/// <summary>
/// Makes the notices about queued messages: who is to be told (NOTIFY, null sender, trust), what (RET, ENVID, ORCPT), and
/// where it goes. The result is filed in the store unit that writes what it tells, so that both are there or neither.
/// </summary>
public sealed class NoticeMaker
{
    readonly MailStore _store;
    readonly AccountDirectory _accounts;
    readonly Router _router;
    readonly NoticeComposer _composer;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly string _hostname;

    /// <param name="hostname">Our name: in From, and the domain of the postmaster who is told of double bounces.</param>
    public NoticeMaker(MailStore store, AccountDirectory accounts, DeliveryOptions options, TimeProvider time, ILogger logger)
    {
        (_store, _accounts, _time, _log) = (store, accounts, time, logger);
        _hostname = EmailAddress.NormalizeDomain(options.Hostname) ?? options.Hostname;
        _router = new Router(accounts, _hostname, new Srs(store, options.SrsDomain, time));
        _composer = new NoticeComposer(options.Hostname);
    }

    /// <summary>
    /// The notice for these recipients of one message, sealed, or null when nobody is to be told. A message of the null
    /// sender that failed is told to the postmaster here, once (double bounce). It reads the message's header, or all of it
    /// for RET=FULL, from the store.
    /// </summary>
    internal async ValueTask<NoticeFiling?> MakeAsync(QueuedMessage message, IReadOnlyList<ToldRecipient> recipients, CancellationToken ct)
    {
        var sender = message.ReversePath.Length == 0 ? null : EmailAddress.TryParse(message.ReversePath) is { } path ? _router.SenderBehind(path) : null;
        var now = _time.GetUtcNow();
        var told = new List<NoticeRecipient>(recipients.Count);
        var failure = false;
        foreach (var r in recipients)
        {
            if (!IsDue(message, sender is null, r)) continue;
            if (Recipient(message, r, sender is null, now) is not { } recipient) continue;
            told.Add(recipient);
            failure |= r.Reason == NoticeReason.Failed;
        }
        if (told.Count == 0) return null;
        var to = sender ?? new EmailAddress("postmaster", _hostname);
        var destinations = sender is not null ? _router.RouteNotice(sender) : Postmaster();
        if (destinations.Count == 0)
        {
            if (sender is null) NoticeLog.NoPostmaster(_log, message.Trace.ToString());
            else NoticeLog.NoWayBack(_log, message.Trace.ToString(), message.ReversePath);
            return null;
        }
        // RFC 3461 §4.3: RET is about failures; for anything else the header is enough.
        var returned = Returned(message, whole: failure && sender is not null && message.Return == "FULL");
        var trace = _store.NewTraceId();
        var notice = _composer.Compose(new Notice
        {
            Id = trace.ToString(),
            MessageId = message.Trace.ToString(),
            To = to,
            Arrived = message.Received,
            Now = now,
            EnvelopeId = message.EnvelopeId,
            Recipients = told,
            Returned = returned,
            Double = sender is null,
        });
        var filing = new NoticeFiling
        {
            Blob = _store.NewBlob(),
            Trace = trace,
            About = message.Trace,
            To = to,
            Destinations = destinations,
            Now = now,
            ForeignState = RecipientState.Due,
            EightBit = notice.EightBit,
            Last = sender is null,
        };
        try
        {
            filing.Blob.Write(notice.Octets.Span);
            filing.Structure = Inbound.Transaction.StructureOf(filing.Blob, default);
            await filing.Blob.SealAsync(ct).ConfigureAwait(false);
        }
        catch
        {
            await filing.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        NoticeLog.Made(_log, message.Trace.ToString(), trace.ToString(), to.ToString(), told.Count);
        return filing;
    }

    /// <summary>The rules about who is told what.</summary>
    static bool IsDue(QueuedMessage message, bool nullSender, in ToldRecipient told)
    {
        // RFC 3834 §2 and the rule against back-scatter: nobody who was only pretended to be the sender hears from us.
        if (message.Trust == SenderTrust.Failed) return false;
        var notify = told.Result.Recipient.Notify;
        // RFC 5321 §6.1: no notice about a notice. A NOTIFY that came with the null sender says nothing (RFC 3461 §4.1: it
        // must be NEVER then), and that the message is lost somebody has to know.
        if (nullSender) return told.Reason == NoticeReason.Failed;
        return told.Reason switch
        {
            NoticeReason.Failed => Notify.AsksForFailure(notify),
            NoticeReason.Delayed => message.Trust == SenderTrust.Proven && Notify.AsksForDelay(notify),
            // RFC 3461 §5.2.1: a peer that speaks DSN has taken the wish over.
            _ => message.Trust == SenderTrust.Proven && !told.Result.DsnPassed && Notify.AsksForSuccess(notify),
        };
    }

    static NoticeRecipient? Recipient(QueuedMessage message, in ToldRecipient told, bool open, DateTimeOffset now)
    {
        var leased = told.Result.Recipient;
        if ((EmailAddress.TryParse(leased.Original) ?? EmailAddress.TryParse(leased.Address)) is not { } shown) return null;
        if (open) shown = EmailAddress.TryParse(leased.Address) ?? shown;
        return new NoticeRecipient(shown, leased.OriginalRecipient, QueueFates.Of(told, shown, message.Received, now, open));
    }

    IReadOnlyList<Destination> Postmaster()
    {
        var found = _accounts.ResolvePostmaster();
        return found.Status == ResolutionStatus.Found ? found.Destinations : [];
    }

    ReturnedMessage Returned(QueuedMessage message, bool whole)
    {
        whole &= message.Blob.Length <= ReturnedPart.MostWhole;
        try
        {
            using var reader = _store.OpenBlob(message.Blob);
            var octets = new byte[(int)Math.Min(reader.Length, whole ? ReturnedPart.MostWhole : ReturnedPart.MostHeader)];
            var length = 0;
            while (length < octets.Length && reader.Read(length, octets.AsSpan(length)) is > 0 and var n) length += n;
            return new ReturnedMessage(message.Prefix, octets.AsMemory(0, length), message.SmtpUtf8, whole);
        }
        catch (StoreDamageException e)
        {
            // That it is lost is the more reason to tell its sender.
            NoticeLog.Unreadable(_log, message.Trace.ToString(), e.Message);
            return new ReturnedMessage(message.Prefix, default, message.SmtpUtf8);
        }
    }
}
