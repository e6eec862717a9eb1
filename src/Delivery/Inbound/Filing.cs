using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

enum OutcomeKind { None, Filed, Queued, Held, Refused, Looped }

/// <summary>What was done for one target.</summary>
readonly record struct Outcome(OutcomeKind Kind, string? Mailbox = null, uint Uid = 0);

/// <param name="Outcomes">One for each target.</param>
/// <param name="Refused">One for each reply (LMTP: recipient; SMTP: one for all): true when every mailbox behind it is full.</param>
/// <param name="Notices">One for each notice: what was done for each of its destinations; null when it was not due.</param>
sealed record FilingResult(Outcome[] Outcomes, bool[] Refused, Outcome[]?[] Notices)
{
    /// <summary>The queued message whose recipients can go at once; null when none can.</summary>
    internal QueuedMessage? Fresh { get; set; }

    /// <summary>Those of its recipients.</summary>
    internal IReadOnlyList<LeasedRecipient> Leased { get; set; } = [];

    /// <summary>True when somebody was queued who waits to be taken up.</summary>
    internal bool AnyWaiting { get; set; }
}

/// <summary>
/// The one store unit of a message: body once, a row in each mailbox, queue rows, events. It may run again, so it changes
/// nothing but the store and the result that it makes anew.
/// </summary>
sealed class Filing
{
    internal required BlobWriter Blob { get; init; }
    internal required TraceId Trace { get; init; }
    internal required SmtpClientInfo Client { get; init; }
    internal required MailParameters Mail { get; init; }
    internal required Recipients Recipients { get; init; }

    /// <summary>Header lines for all recipients.</summary>
    internal required byte[] Common { get; init; }

    internal required byte[] Structure { get; init; }

    /// <summary>What ties it to its thread.</summary>
    internal required long[] Links { get; init; }
    internal required DateTimeOffset Received { get; init; }
    internal required RecipientState ForeignState { get; init; }

    /// <summary>How it leaves where an address of ours sends it on, by that address.</summary>
    internal IReadOnlyDictionary<EmailAddress, ForwardedCopy> Forwards { get; init; } = ForwardedCopy.None;

    /// <summary>Tells which accounts have a quota; others need no look at what they use.</summary>
    internal required AccountDirectory Accounts { get; init; }

    internal required string ReceivedDetail { get; init; }

    /// <summary>Places for those that can go at once; null when none can.</summary>
    internal FreshPlaces? Fresh { get; init; }

    internal required IReadOnlyList<NoticeFiling> Notices { get; init; }

    /// <summary>True when the reverse-path can be believed.</summary>
    internal required bool MayBeTold { get; init; }

    internal FilingResult Run(WriteUnit unit)
    {
        var lmtp = Client.Service == SmtpService.Lmtp;
        var result = new FilingResult(new Outcome[Recipients.Targets.Count], new bool[lmtp ? Recipients.Count : 1], Notices.Count == 0 ? [] : new Outcome[]?[Notices.Count]);
        var work = new Work(this, unit, result);
        if (lmtp)
        {
            // RFC 2033: each recipient has its own reply, so its quota is exact.
            for (var i = 0; i < Recipients.Count; i++)
            {
                var targets = Recipients.Accepted[i].Targets;
                if (!(result.Refused[i] = !work.AnyRoom(targets))) work.Deliver(targets);
                else work.Refuse(targets);
            }
        }
        else
        {
            var room = false;
            for (var i = 0; i < Recipients.Count && !room; i++) room = work.AnyRoom(Recipients.Accepted[i].Targets);
            result.Refused[0] = !room;
            // One reply for all: with room in one mailbox the others, which had some at RCPT, may be over by this message.
            if (room)
                for (var i = 0; i < Recipients.Count; i++) work.Deliver(Recipients.Accepted[i].Targets);
        }
        work.Queue();
        for (var i = 0; i < Notices.Count; i++)
        {
            if (result.Refused[Notices[i].Reply]) continue;
            result.Notices[i] = Notices[i].Run(unit);
            result.AnyWaiting |= Array.Exists(result.Notices[i]!, static o => o.Kind == OutcomeKind.Queued);
        }
        return result;
    }

    /// <summary>One run of the unit.</summary>
    struct Work(Filing filing, WriteUnit unit, FilingResult result)
    {
        readonly Outcome[] _outcomes = result.Outcomes;
        BlobLocation? _body;
        List<NewRecipient>? _foreign;
        Dictionary<ForwardedCopy, List<NewRecipient>>? _forwarded;
        Dictionary<long, Outcome>? _mailboxes;
        long _onlyPlace;

        /// <summary>False when all of these are full mailboxes.</summary>
        internal readonly bool AnyRoom(int[] targets)
        {
            foreach (var t in targets)
            {
                if (filing.Recipients.Targets[t].Destination is not Destination.Local local || filing.Accounts.Account(local.AccountId) is not { HasQuota: true }) return true;
                if (_outcomes[t].Kind == OutcomeKind.Filed) return true; // another recipient has led there
                if (unit.Directory.Account(local.AccountId) is not { } account || !Quota.IsOver(account, filing.Blob.Length)) return true;
            }
            return targets.Length == 0;
        }

        internal readonly void Refuse(int[] targets)
        {
            foreach (var t in targets) _outcomes[t] = new Outcome(OutcomeKind.Refused);
        }

        internal void Deliver(int[] targets)
        {
            foreach (var t in targets)
            {
                if (_outcomes[t].Kind is not (OutcomeKind.None or OutcomeKind.Refused)) continue;
                var target = filing.Recipients.Targets[t];
                _outcomes[t] = target.Destination is Destination.Local local ? File(local, target.Rcpt) : Foreign(target, t);
            }
        }

        Outcome File(Destination.Local local, RcptParameters rcpt)
        {
            var folder = Folder.Find(unit, local);
            var place = folder?.Id ?? -local.AccountId; // an INBOX by its account
            // One message is in one mailbox once, whatever ways lead there.
            if (_mailboxes is not null ? _mailboxes.TryGetValue(place, out var there) : OnlyIs(place, out there)) return there;
            var prefix = TraceHeader.Final(filing.Mail.ReversePath, local.Address, filing.Common);
            var outcome = Folder.File(unit, local, folder, new NewMessage(Body(), prefix, filing.Structure, filing.Received, filing.Trace, For: rcpt.Recipient.ToString()) { Links = filing.Links });
            Remember(place, outcome);
            return outcome;
        }

        Outcome _only;

        readonly bool OnlyIs(long place, out Outcome outcome)
        {
            outcome = _only;
            return _onlyPlace == place && _only.Kind != OutcomeKind.None;
        }

        void Remember(long place, Outcome outcome)
        {
            if (_only.Kind == OutcomeKind.None)
            {
                (_onlyPlace, _only) = (place, outcome);
                return;
            }
            _mailboxes ??= new Dictionary<long, Outcome> { [_onlyPlace] = _only };
            _mailboxes[place] = outcome;
        }

        Outcome Foreign(Target target, int index)
        {
            var foreign = (Destination.Foreign)target.Destination;
            var address = foreign.Address.ToString();
            var original = target.Rcpt.Recipient.ToString();
            if (target.Looped)
            {
                Body(); // its story begins before this
                unit.Events.Add(filing.Trace, EventKind.Refused, 0, Story.Looped(original, foreign));
                return new Outcome(OutcomeKind.Looped);
            }
            var recipient = new NewRecipient(address, original, target.Notify, target.Rcpt.OriginalRecipient, filing.ForeignState);
            if (foreign.ForwardedBy is { } by && filing.Forwards.TryGetValue(by, out var copy))
            {
                _forwarded ??= [];
                if (!_forwarded.TryGetValue(copy, out var list)) _forwarded.Add(copy, list = []);
                list.Add(recipient);
            }
            else (_foreign ??= []).Add(filing.Fresh?.IsNow(index) == true ? recipient with { State = RecipientState.Leased } : recipient);
            return new Outcome(filing.ForeignState == RecipientState.Held ? OutcomeKind.Held : OutcomeKind.Queued);
        }

        /// <summary>The queue rows: one message for those it goes to as it came, one for each address of ours that sends it on.</summary>
        internal void Queue()
        {
            if (_foreign is not null) Queue(filing.Mail.ReversePath?.ToString() ?? "", filing.Common, _foreign, null);
            if (_forwarded is null) return;
            foreach (var (copy, recipients) in _forwarded) Queue(copy.ReversePath, copy.Prefix, recipients, copy);
        }

        void Queue(string reversePath, byte[] prefix, List<NewRecipient> recipients, ForwardedCopy? copy)
        {
            var mail = filing.Mail;
            var fresh = copy is null ? filing.Fresh?.Mail : null;
            var blob = Body();
            var trust = filing.MayBeTold ? SenderTrust.Proven : SenderTrust.Unproven;
            var queued = new NewQueued(filing.Trace, reversePath, blob, prefix, filing.Client.Principal?.AccountId ?? 0,
                BodyName(mail.Body), mail.SmtpUtf8, mail.Return, mail.EnvelopeId, filing.Received, recipients, trust, fresh?.Lease);
            var id = unit.Queue.Add(queued);
            if (fresh is not null)
            {
                result.Leased = unit.Queue.LeasedOf(id, fresh.Lease.Owner);
                result.Fresh = new QueuedMessage(id, queued.Trace, reversePath, blob, prefix, queued.Sender, queued.Body, queued.SmtpUtf8, queued.Return, queued.EnvelopeId, prefix.Length + blob.Length, queued.Received, trust);
            }
            result.AnyWaiting |= result.Leased.Count < recipients.Count || copy is not null;
            foreach (var r in recipients)
            {
                if (copy is not null) unit.Events.Add(filing.Trace, EventKind.Forwarded, 0, Story.Forwarded(r.Original, r.Address, copy));
                unit.Events.Add(filing.Trace, r.State == RecipientState.Held ? EventKind.Held : EventKind.Queued, 0, Story.Queued(r.Original, r.Address));
            }
        }

        /// <summary>The body, stored when the first target needs it; with it the story begins.</summary>
        BlobLocation Body()
        {
            if (_body is not null) return _body;
            unit.Events.Add(filing.Trace, EventKind.Received, filing.Client.Principal?.AccountId ?? 0, filing.ReceivedDetail);
            return _body = unit.Store(filing.Blob);
        }

        static string BodyName(BodyType body) => body switch
        {
            BodyType.EightBitMime => "8BITMIME",
            BodyType.BinaryMime => "BINARYMIME",
            _ => "7BIT",
        };
    }
}
