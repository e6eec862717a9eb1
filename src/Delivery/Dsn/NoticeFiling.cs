using Posthorn.Accounts;
using Posthorn.Delivery.Inbound;
using Posthorn.Mime.Threads;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Messages;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Dsn;

/// <summary>
/// A composed notice with its sealed body, to be filed in the store unit of what it tells: both are there, or neither. The
/// unit may run again, so <see cref="Run"/> changes nothing but the store.
/// </summary>
sealed class NoticeFiling : IAsyncDisposable
{
    internal required BlobWriter Blob { get; init; }
    internal required TraceId Trace { get; init; }

    /// <summary>The message that it is about.</summary>
    internal required TraceId About { get; init; }

    /// <summary>Of a message that is coming in: the reply to the client without which there is no notice.</summary>
    internal int Reply { get; init; }

    internal required EmailAddress To { get; init; }

    /// <summary>Where <see cref="To"/> leads.</summary>
    internal required IReadOnlyList<Destination> Destinations { get; init; }

    internal byte[] Structure { get; set; } = [];
    internal required DateTimeOffset Now { get; init; }
    internal required RecipientState ForeignState { get; init; }

    /// <summary>True when it holds octets beyond ASCII in a part of it.</summary>
    internal bool EightBit { get; init; }

    /// <summary>True for what the postmaster is told of a lost notice: nobody is told of what becomes of this one.</summary>
    internal bool Last { get; init; }

    /// <summary>Files or queues it; one outcome for each destination.</summary>
    internal Outcome[] Run(WriteUnit unit)
    {
        var outcomes = new Outcome[Destinations.Count];
        for (var i = 0; i < outcomes.Length; i++)
            if (Destinations[i] is Destination.Local local && IsFull(unit, local)) outcomes[i] = new Outcome(OutcomeKind.Refused);
        if (Array.TrueForAll(outcomes, static o => o.Kind == OutcomeKind.Refused)) return outcomes;
        var to = To.ToString();
        unit.Events.Add(Trace, EventKind.Received, 0, Story.Notice(About, Blob.Length));
        var body = unit.Store(Blob);
        List<NewRecipient>? foreign = null;
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i].Kind == OutcomeKind.Refused) continue;
            if (Destinations[i] is Destination.Local local)
            {
                var prefix = TraceHeader.Final(null, local.Address, default);
                outcomes[i] = Folder.File(unit, local, Folder.Find(unit, local), new NewMessage(body, prefix, Structure, Now, Trace, For: to) { Links = ThreadLinks.Of(Structure, Blob.Head.Span) });
                continue;
            }
            // RFC 3461 §6.1: NOTIFY of a notice, if any, is NEVER; so nobody tells anybody about it.
            (foreign ??= []).Add(new NewRecipient(((Destination.Foreign)Destinations[i]).Address.ToString(), to, Notify.Never, null, ForeignState));
            outcomes[i] = new Outcome(ForeignState == RecipientState.Held ? OutcomeKind.Held : OutcomeKind.Queued);
        }
        if (foreign is not null) Queue(unit, body, foreign);
        unit.Events.Add(About, EventKind.Notified, 0, Story.Notified(to, Trace));
        return outcomes;
    }

    /// <summary>Whoever is full gets no notice either: else a stranger could fill the mailbox of an address that he pretends to have.</summary>
    bool IsFull(WriteUnit unit, Destination.Local local) => unit.Directory.Account(local.AccountId) is not { } account || Quota.IsOver(account, Blob.Length);

    void Queue(WriteUnit unit, BlobLocation body, List<NewRecipient> recipients)
    {
        // In the header only the field To can be other than ASCII (RFC 6533 §4.5).
        var utf8 = To.NeedsSmtpUtf8;
        unit.Queue.Add(new NewQueued(Trace, "", body, [], 0, utf8 || EightBit ? "8BITMIME" : "7BIT", utf8, null, null, Now, recipients, Last ? SenderTrust.Failed : SenderTrust.Proven));
        foreach (var r in recipients)
            unit.Events.Add(Trace, r.State == RecipientState.Held ? EventKind.Held : EventKind.Queued, 0, Story.Queued(r.Original, r.Address));
    }

    public ValueTask DisposeAsync() => Blob.DisposeAsync();
}
