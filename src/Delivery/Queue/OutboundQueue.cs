using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// The scheduler: takes up recipients whose time has come, shares connections fairly between destinations, hands jobs to the
/// delivery agent, writes results, and tells senders. Thread-safe.
/// </summary>
public sealed class OutboundQueue : IQueueHandover, IAsyncDisposable
{
    /// <param name="journalDirectory">Where the journal of this process lies: the data directory.</param>
    public OutboundQueue(MailStore store, AccountDirectory accounts, IDeliveryAgent agent, NoticeMaker notices, QueueOptions options, string journalDirectory, TimeProvider time, ILogger logger)
    {
        _ = (store, accounts, agent, notices, options, journalDirectory, time, logger);
    }

    /// <summary>Takes back what a former run left in the middle, and begins.</summary>
    public Task StartAsync() => throw new NotImplementedException();

    /// <summary>Begins nothing new, lets deliveries end for so long, then cuts those that have not sent their final dot. Results are committed.</summary>
    public Task DrainAsync(TimeSpan most) => throw new NotImplementedException();

    /// <summary>Forgets what is known of destinations (cool-downs) and looks at the store: <c>queue flush</c>.</summary>
    public void Flush() => throw new NotImplementedException();

    /// <summary>Gives waiting recipients up with a notice to their senders: <c>queue bounce</c>. Returns those it gave up.</summary>
    public Task<IReadOnlyList<LeasedRecipient>> BounceAsync(QueueFilter filter, string reason, CancellationToken ct) => throw new NotImplementedException();

    /// <summary>The destinations that there is work for or that are cooled down, as <c>queue stats</c> shows them.</summary>
    public IReadOnlyList<DestinationState> Destinations() => throw new NotImplementedException();

    FreshMail? IQueueHandover.Reserve(IReadOnlyList<EmailAddress> recipients, EmailAddress? sender) => throw new NotImplementedException();
    void IQueueHandover.HandOver(FreshMail places, QueuedMessage message, IReadOnlyList<LeasedRecipient> leased) => throw new NotImplementedException();
    void IQueueHandover.Abandon(FreshMail places) => throw new NotImplementedException();
    public void Wake() => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>What the scheduler knows of a destination.</summary>
/// <param name="Active">Deliveries going on.</param>
/// <param name="Limit">How many there may be now.</param>
/// <param name="Waiting">Recipients in memory that wait for a place.</param>
/// <param name="CooledUntil">No connection before this; null when it is well.</param>
/// <param name="LastTrouble">What was wrong last, in words; null for nothing.</param>
public sealed record DestinationState(string Destination, int Active, int Limit, int Waiting, DateTimeOffset? CooledUntil, string? LastTrouble);
