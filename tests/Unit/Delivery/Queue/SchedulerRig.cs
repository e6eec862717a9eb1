using System.Text;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Storage;
using Posthorn.Storage.Events;
using Posthorn.Storage.Migrations;
using Posthorn.Storage.Queue;
using Posthorn.Tests.Testing.Time;
using Posthorn.Tests.Unit.Storage;
using Posthorn.Wire.Addresses;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

/// <summary>A scheduler on a real store, with an agent that answers by a script and a clock that the test moves.</summary>
sealed class SchedulerRig : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

    SchedulerRig() => Agent = new ScriptedAgent(Clock);

    public string Root { get; } = Directory.CreateTempSubdirectory("posthorn-queue").FullName;
    public FakeTimeProvider Clock { get; } = new(Start);
    public ScriptedAgent Agent { get; }
    public LogLines Log { get; } = new();
    public MailStore Store { get; private set; } = null!;
    public OutboundQueue Queue { get; private set; } = null!;
    public QueueOptions Options { get; private set; } = null!;
    public RouteBook Routes { get; set; } = RouteBook.Empty;

    /// <summary>What senders were told: reason, address, whether it was for its age.</summary>
    public List<(NoticeReason Reason, string Address, bool Expired)> Told { get; } = [];

    public static QueueOptions Plain => new() { Hostname = "mail.example.test" };

    /// <summary>Takes the place of the scripted agent.</summary>
    public IDeliveryAgent? RealAgent { get; set; }

    /// <summary>Takes the place of the list of who was told.</summary>
    public NoticeMaking? RealNotices { get; set; }

    public static async Task<SchedulerRig> OpenAsync(QueueOptions? options = null, bool start = true)
    {
        var rig = new SchedulerRig { Options = options ?? Plain };
        rig.Store = await MailStore.OpenAsync(new StoreOptions { Directory = Path.Combine(rig.Root, "data"), MinimumFree = 0 }, rig.Clock, rig.Log, new TestDisk(), Schema.Known);
        rig.NewQueue();
        if (start) await rig.Queue.StartAsync();
        return rig;
    }

    /// <summary>Another run on the same store: the former one is not told.</summary>
    public void NewQueue(string boot = "boot") =>
        Queue = new OutboundQueue(Store, () => Routes, RealAgent ?? Agent, RealNotices ?? TellAsync, Options, Root, boot, () => 0, Clock, Log);

    ValueTask<NoticeFiling?> TellAsync(QueuedMessage message, IReadOnlyList<ToldRecipient> recipients, CancellationToken ct)
    {
        lock (Told)
            foreach (var r in recipients) Told.Add((r.Reason, r.Result.Recipient.Address, r.Expired));
        return ValueTask.FromResult<NoticeFiling?>(null);
    }

    public IQueueHandover Handover => Queue;

    /// <summary>Queues a message and wakes the scheduler.</summary>
    public async Task<long> AddAsync(string sender, string[] to, DateTimeOffset? received = null, bool wake = true)
    {
        var ids = await AddManyAsync([(sender, to)], received);
        if (wake) Queue.Wake();
        return ids[0];
    }

    public Task<long> AddAsync(params string[] to) => AddAsync("sender@example.test", to);

    /// <summary>Queues many messages in one unit.</summary>
    public async Task<List<long>> AddManyAsync(IReadOnlyList<(string Sender, string[] To)> mails, DateTimeOffset? received = null)
    {
        await using var blob = Store.NewBlob();
        blob.Write(Encoding.ASCII.GetBytes("Subject: x\r\n\r\nbody\r\n"));
        await blob.SealAsync();
        var at = received ?? Clock.GetUtcNow();
        return await Store.WriteAsync(u =>
        {
            var body = u.Store(blob);
            return mails.Select(m => u.Queue.Add(new NewQueued(Store.NewTraceId(), m.Sender, body, [], 0, "7BIT", false, null, null, at, [.. m.To.Select(a => new NewRecipient(a, a, null, null))], SenderTrust.Proven))).ToList();
        });
    }

    /// <summary>Accepts a message as a session does it: born leased where there is a place.</summary>
    public async Task<(long Id, int Leased)> AcceptAsync(params string[] to)
    {
        var addresses = to.Select(a => EmailAddress.TryParse(a).ShouldNotBeNull()).ToList();
        var places = Handover.Reserve(addresses, null);
        await using var blob = Store.NewBlob();
        blob.Write("Subject: x\r\n\r\nfresh\r\n"u8);
        await blob.SealAsync();
        var now = Clock.GetUtcNow();
        var trace = Store.NewTraceId();
        var (message, leased) = await Store.WriteAsync(u =>
        {
            var body = u.Store(blob);
            var rows = to.Select((a, i) => new NewRecipient(a, a, null, null, places?.Now[i] == true ? RecipientState.Leased : RecipientState.Due)).ToList();
            var id = u.Queue.Add(new NewQueued(trace, "", body, [], 0, "7BIT", false, null, null, now, rows, SenderTrust.Proven, places?.Lease));
            return (u.Queue.Message(id)!, places is null ? [] : u.Queue.LeasedOf(id, places.Lease.Owner));
        });
        if (places is not null) Handover.HandOver(places, message, leased);
        if (places is not null) Handover.Abandon(places);
        if (leased.Count < to.Length) Handover.Wake();
        return (message.Id, leased.Count);
    }

    /// <summary>Waits until the scheduler has done all that it can at this time.</summary>
    public async Task SettleAsync()
    {
        var quiet = 0;
        for (var n = 0; quiet < 3; n++)
        {
            if (n > 20_000) throw new TimeoutException("the scheduler does not come to rest");
            quiet = Queue.Running is { } running && running.Sleeps && running.Dispatcher.Going == Agent.Parked ? quiet + 1 : 0;
            if (quiet < 3) await (quiet > 0 ? Task.Run(() => { }, Ct) : Task.Delay(1, Ct));
        }
    }

    /// <summary>Moves the clock, stopping wherever a delivery ends or a timer fires.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        var end = Clock.GetUtcNow() + by;
        while (true)
        {
            await SettleAsync();
            var now = Clock.GetUtcNow();
            var next = end - now;
            if (Agent.Next - now is { } ends && ends < next) next = ends;
            if (Clock.NextTimer is { } timer && timer < next) next = timer;
            Clock.Advance(next < TimeSpan.Zero ? TimeSpan.Zero : next);
            Agent.Release();
            if (Clock.GetUtcNow() >= end) break;
        }
        await SettleAsync();
    }

    /// <summary>
    /// Moves the clock on and on until a task ends. A timer that the task has yet to set would not fire by one move alone: the
    /// test would then wait for ever.
    /// </summary>
    public async Task MoveUntilAsync(Task task)
    {
        for (var n = 0; !task.IsCompleted; n++)
        {
            if (n > 20_000) throw new TimeoutException("it does not end, however far the clock is moved");
            Clock.Advance(TimeSpan.FromMilliseconds(100));
            Agent.Release();
            await Task.Delay(1, Ct);
        }
        await task;
    }

    /// <summary>The same for what a timer brings about that may not be set yet.</summary>
    public async Task MoveUntilAsync(Func<bool> condition)
    {
        for (var n = 0; !condition(); n++)
        {
            if (n > 20_000) throw new TimeoutException("it does not happen, however far the clock is moved");
            Clock.Advance(TimeSpan.FromMilliseconds(100));
            Agent.Release();
            await Task.Delay(1, Ct);
        }
    }

    /// <summary>Moves the clock at once; what happens on the way happens at its end.</summary>
    public async Task LeapAsync(TimeSpan by)
    {
        await SettleAsync();
        Clock.Advance(by);
        Agent.Release();
        Queue.Wake();
        await SettleAsync();
    }

    public IReadOnlyList<QueuedRecipient> Rows(QueueFilter? filter = null) => Store.Read(u => u.Queue.List(filter ?? new QueueFilter(Open: null), 0, 1_000_000));

    public QueuedRecipient Row(string address) => Rows().Single(r => r.Address == address);

    public IReadOnlyList<StoryEvent> Story(TraceId trace) => Store.Read(u => u.Events.Of(trace));

    /// <summary>When each attempt was, in minutes since the start.</summary>
    public double[] Minutes() => [.. Agent.Attempts.Select(a => Math.Round((a.At - Start).TotalMinutes, 3))];

    /// <summary>Waits for what happens beside the loop.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        for (var n = 0; !condition(); n++)
        {
            if (n > 20_000) throw new TimeoutException("it did not happen");
            await Task.Delay(1, Ct);
        }
    }

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await MoveUntilAsync(Queue.DisposeAsync().AsTask());
        await Store.DisposeAsync();
        Directory.Delete(Root, recursive: true);
    }
}
