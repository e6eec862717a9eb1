using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Accounts.Routes;
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
    const int BounceBatch = 200;

    readonly MailStore _store;
    readonly Func<RouteBook> _routes;
    readonly IDeliveryAgent _agent;
    readonly NoticeMaking _notices;
    readonly QueueOptions _options;
    readonly string _journal;
    readonly string _boot;
    readonly Func<double> _random;
    readonly TimeProvider _time;
    readonly ILogger _log;
    RunningQueue? _running;
    bool _drained;

    /// <param name="journalDirectory">Where the journal of this process lies: the data directory.</param>
    public OutboundQueue(MailStore store, AccountDirectory accounts, IDeliveryAgent agent, NoticeMaker notices, QueueOptions options, string journalDirectory, TimeProvider time, ILogger logger)
        : this(store, () => accounts.Routes, agent, notices.MakeAsync, options, journalDirectory, BootId(), Random.Shared.NextDouble, time, logger)
    {
    }

    /// <param name="boot">Names the boot of the machine: a journal of another one may have lost its end.</param>
    /// <param name="random">Numbers from 0 up to 1.</param>
    internal OutboundQueue(MailStore store, Func<RouteBook> routes, IDeliveryAgent agent, NoticeMaking notices, QueueOptions options, string journalDirectory, string boot, Func<double> random, TimeProvider time, ILogger logger)
    {
        (_store, _routes, _agent, _notices, _options, _boot, _random, _time, _log) = (store, routes, agent, notices, options, boot, random, time, logger);
        _journal = Path.Combine(journalDirectory, "delivery.journal");
    }

    /// <summary>For tests that wait until all is done that can be.</summary>
    internal RunningQueue? Running => Volatile.Read(ref _running);

    /// <summary>Takes back what a former run left in the middle, and begins.</summary>
    public async Task StartAsync()
    {
        // The node is named by its host: of two runs with the same name only one can have the data directory.
        var owner = $"{_options.Hostname}/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var schedule = new RetrySchedule(_options, _random);
        var recovery = new Recovery(_store, owner, FormerJournal.Read(_journal, _boot), schedule, _time, _log);
        await recovery.RunAsync(static _ => false, CancellationToken.None).ConfigureAwait(false);
        // Only now may the former journal go: what it told is committed.
        var journal = new DeliveryJournal(_journal, owner, _boot, _time, _log);
        var (messages, recipients) = _store.Read(static u => u.Queue.Count());
        if (recipients > 0) QueueLog.Opened(_log, messages, recipients);
        Volatile.Write(ref _running, new RunningQueue(owner, _store, _routes, _agent, _notices, _options, schedule, journal, recovery, _time, _log));
    }

    /// <summary>Begins nothing new, lets deliveries end for so long, then cuts those that have not sent their final dot. Results are committed.</summary>
    public async Task DrainAsync(TimeSpan most)
    {
        if (Running is not { } running || _drained) return;
        _drained = true;
        await running.DrainAsync(most).ConfigureAwait(false);
    }

    /// <summary>Forgets what is known of destinations (cool-downs) and looks at the store: <c>queue flush</c>.</summary>
    public void Flush() => Running?.Dispatcher.Forgive();

    /// <summary>Gives waiting recipients up with a notice to their senders: <c>queue bounce</c>. Returns those it gave up.</summary>
    public async Task<IReadOnlyList<LeasedRecipient>> BounceAsync(QueueFilter filter, string reason, CancellationToken ct)
    {
        var running = Running ?? throw new InvalidOperationException("not started");
        var given = new List<LeasedRecipient>();
        while (true)
        {
            var lease = running.Dispatcher.NewLease();
            var claimed = await _store.WriteAsync(u => u.Queue.ClaimToBounce(filter, lease, BounceBatch), ct).ConfigureAwait(false);
            foreach (var group in claimed.GroupBy(static r => r.MessageId))
            {
                if (_store.Read(u => u.Queue.Message(group.Key)) is not { } message)
                {
                    // Given back it would come again at once; somebody has to look at it.
                    await _store.WriteAsync(u => group.Count(r => u.Queue.Hold(r, "the queued message cannot be read")), ct).ConfigureAwait(false);
                    continue;
                }
                var verdicts = group.Select(r => new Verdict(new RecipientResult(r, AttemptStatus.Failed, "5.0.0", reason, FromPeer: false, null, null), VerdictKind.Failed, default, false, false)).ToList();
                if (await running.Results.WriteAsync(message, RouteBook.Mx, verdicts, ct).ConfigureAwait(false)) Wake();
                foreach (var verdict in verdicts) given.Add(verdict.Result.Recipient);
            }
            if (claimed.Count < BounceBatch) return given;
        }
    }

    /// <summary>The destinations that there is work for or that are cooled down, as <c>queue stats</c> shows them.</summary>
    public IReadOnlyList<DestinationState> Destinations() => Running?.Dispatcher.Destinations() ?? [];

    FreshMail? IQueueHandover.Reserve(IReadOnlyList<EmailAddress> recipients, EmailAddress? sender) => Running?.Dispatcher.Reserve(recipients, sender);

    void IQueueHandover.HandOver(FreshMail places, QueuedMessage message, IReadOnlyList<LeasedRecipient> leased)
    {
        if (Running is not { } running) return;
        if (!running.Dispatcher.HandOver(places, message, leased)) _ = running.GiveBackAsync(leased);
    }

    void IQueueHandover.Abandon(FreshMail places) => Running?.Dispatcher.Abandon(places);

    /// <inheritdoc/>
    public void Wake() => Running?.Dispatcher.Look();

    static string BootId()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DrainAsync(TimeSpan.Zero).ConfigureAwait(false);
        Running?.Dispose();
    }
}
