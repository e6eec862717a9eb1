using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;
using Posthorn.Tests.Testing.Time;

namespace Posthorn.Tests.Unit.Delivery.Queue;

/// <summary>One attempt that the scheduler made.</summary>
sealed record Attempted(DateTimeOffset At, string Destination, string[] To, long Message);

/// <summary>What a delivery does: takes so long, then ends so.</summary>
sealed record Answer(AttemptStatus Status = AttemptStatus.Delivered, DestinationHealth Health = DestinationHealth.Good, TimeSpan Takes = default, TimeSpan? NotBefore = null, string Reply = "250 2.0.0 taken",
    Func<LeasedRecipient, AttemptStatus>? Each = null, bool Dot = true)
{
    public static Answer Taken => new();
    public static Answer Later => new(AttemptStatus.Deferred, Reply: "450 4.2.0 later");
    public static Answer Down => new(AttemptStatus.Deferred, DestinationHealth.Down, Reply: "no host answers");
    public static Answer Busy => new(AttemptStatus.Deferred, DestinationHealth.Busy, Reply: "421 4.7.0 too many");
    public static Answer Refused => new(AttemptStatus.Failed, Reply: "550 5.1.1 no such user");
}

/// <summary>A delivery agent without a network: answers by a script, in the time of the test's clock.</summary>
sealed class ScriptedAgent(FakeTimeProvider clock) : IDeliveryAgent
{
    readonly Lock _lock = new();
    readonly List<(DateTimeOffset Until, TaskCompletionSource Done)> _parked = [];
    readonly List<Attempted> _attempts = [];
    readonly Dictionary<string, int> _active = [];

    public Func<DeliveryJob, Answer> Script { get; set; } = _ => Answer.Taken;

    /// <summary>Deliveries that go on until the clock is moved.</summary>
    public int Parked { get { lock (_lock) return _parked.Count; } }

    public IReadOnlyList<Attempted> Attempts { get { lock (_lock) return [.. _attempts]; } }

    /// <summary>The most deliveries that went on at once to a destination.</summary>
    public Dictionary<string, int> MostActive { get; } = [];

    /// <summary>When the next of them ends; null when none goes on.</summary>
    public DateTimeOffset? Next { get { lock (_lock) return _parked.Count == 0 ? null : _parked.Min(p => p.Until); } }

    public async ValueTask<DeliveryReport> DeliverAsync(DeliveryJob job, CancellationToken ct)
    {
        Answer answer;
        TaskCompletionSource? wait = null;
        lock (_lock)
        {
            _attempts.Add(new Attempted(clock.GetUtcNow(), job.Destination, [.. job.Recipients.Select(r => r.Address)], job.Message.Id));
            answer = Script(job);
            var active = _active[job.Destination] = _active.GetValueOrDefault(job.Destination) + 1;
            MostActive[job.Destination] = Math.Max(active, MostActive.GetValueOrDefault(job.Destination));
            if (answer.Takes > TimeSpan.Zero)
            {
                wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _parked.Add((clock.GetUtcNow() + answer.Takes, wait));
            }
        }
        try
        {
            if (wait is not null)
            {
                await using var cut = ct.Register(() =>
                {
                    lock (_lock) _parked.RemoveAll(p => p.Done == wait);
                    wait.TrySetCanceled(ct);
                });
                await wait.Task;
            }
        }
        finally
        {
            lock (_lock) _active[job.Destination]--;
        }
        if (answer.Dot && answer.Status == AttemptStatus.Delivered) job.Journal.DotSent(job.Recipients);
        var results = new List<RecipientResult>();
        foreach (var r in job.Recipients)
        {
            var status = answer.Each?.Invoke(r) ?? answer.Status;
            if (status == AttemptStatus.Delivered) job.Journal.Taken(r, answer.Reply);
            results.Add(new RecipientResult(r, status, status switch { AttemptStatus.Delivered => "2.0.0", AttemptStatus.Failed => "5.1.1", _ => "4.2.0" }, answer.Reply, true, $"mx.{job.Destination}[192.0.2.1]:25", null, answer.NotBefore));
        }
        return new DeliveryReport(results, answer.Health);
    }

    /// <summary>Ends those whose time has come.</summary>
    public void Release()
    {
        List<TaskCompletionSource> due = [];
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            foreach (var p in _parked)
                if (p.Until <= now) due.Add(p.Done);
            _parked.RemoveAll(p => p.Until <= now);
        }
        foreach (var done in due) done.TrySetResult();
    }
}
