using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Storage;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// Keeps the board under one lock, gives places, runs deliveries and writes their results. Everything that takes time runs
/// outside of the lock. Thread-safe.
/// </summary>
sealed class Dispatcher : IDisposable
{
    /// <summary>A lease holds for so long unless it is renewed.</summary>
    internal static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(10);

    /// <summary>From one look at the store to the next, when nobody falls due.</summary>
    static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    /// <summary>Parcels that are put off at once.</summary>
    const int MostPuttingOff = 500;

    readonly Lock _gate = new();
    readonly Board _board;
    readonly RouteChoice _routes;
    readonly LeaseTable _leases = new();
    readonly HashSet<long> _known = [];
    readonly HashSet<long> _ended = [];
    readonly CancellationTokenSource _cut = new();
    readonly TimeProvider _time;
    readonly long _origin;
    readonly Attempts _attempts;
    readonly ResultWriter _results;
    readonly DeliveryJournal _journal;
    readonly QueueOptions _options;
    readonly Signal _signal;
    readonly ILogger _log;
    List<Parcel> _toClaim = [];
    TaskCompletionSource? _emptied;
    DateTimeOffset? _nextDue;
    TimeSpan _restUntil;
    bool _look = true;
    bool _restart;
    bool _scanning;
    bool _stopping;
    int _going;
    int _puttingOff;

    internal Dispatcher(string owner, QueueOptions options, Func<RouteBook> routes, Attempts attempts, ResultWriter results, DeliveryJournal journal, Signal signal, TimeProvider time, ILogger log)
    {
        (Owner, _options, _attempts, _results, _journal, _signal, _time, _log) = (owner, options, attempts, results, journal, signal, time, log);
        _board = new Board(options);
        _routes = new RouteChoice(routes);
        _origin = time.GetTimestamp();
    }

    internal string Owner { get; }

    /// <summary>The monotonic clock of the board.</summary>
    internal TimeSpan Now => _time.GetElapsedTime(_origin);

    internal QueueLease NewLease()
    {
        var now = _time.GetUtcNow();
        return new QueueLease(Owner, now + LeaseTime, now + _options.RetryFirst);
    }

    /// <summary>Deliveries going on, with those whose results are being written.</summary>
    internal int Going
    {
        get { lock (_gate) return _going; }
    }

    internal FreshMail? Reserve(IReadOnlyList<EmailAddress> recipients, EmailAddress? sender)
    {
        lock (_gate)
        {
            if (_stopping) return null;
            RefreshRoutes();
            List<ReservedPlace>? places = null;
            bool[]? leased = null;
            var now = Now;
            for (var i = 0; i < recipients.Count; i++)
            {
                var route = _routes.Of(recipients[i], sender);
                var lane = _board.LaneOf(route, recipients[i].Domain, now);
                var place = places?.Find(p => p.Lane == lane && p.Route == route && p.Addresses.Count < _options.Recipients);
                if (place is null)
                {
                    if (!_board.TryReserve(lane, now)) continue;
                    (places ??= new(1)).Add(place = new ReservedPlace(lane, route));
                }
                place.Addresses.Add(recipients[i].ToString());
                (leased ??= new bool[recipients.Count])[i] = true;
            }
            return leased is null ? null : new FreshMail(NewLease(), leased) { Places = places! };
        }
    }

    /// <summary>False when nothing begins any more: the leases are to be given back.</summary>
    internal bool HandOver(FreshMail mail, QueuedMessage message, IReadOnlyList<LeasedRecipient> leased)
    {
        lock (_gate)
        {
            if (_stopping) return false;
            foreach (var place in mail.Places)
            {
                if (place.Used) continue;
                var mine = leased;
                if (mail.Places.Count > 1)
                {
                    var names = place.Addresses.ToHashSet();
                    mine = [.. leased.Where(r => names.Contains(r.Address))];
                    if (mine.Count == 0) continue;
                }
                place.Used = true;
                var parcel = new Parcel(place.Lane, place.Route, message.Id, fresh: true) { Message = message, Leased = mine };
                _leases.Add(parcel, Now);
                foreach (var r in mine) _known.Add(r.Id);
                _board.Use(place.Lane, parcel);
            }
        }
        Pump();
        return true;
    }

    internal void Abandon(FreshMail mail)
    {
        lock (_gate)
            foreach (var place in mail.Places)
            {
                if (place.Used) continue;
                place.Used = true;
                _board.Use(place.Lane, null);
            }
    }

    /// <summary>Gives all free places: what is claimed begins, what is not is left for <see cref="TakeToClaim"/>.</summary>
    internal void Pump()
    {
        lock (_gate)
        {
            if (_stopping) return;
            var now = Now;
            while (_board.Next(now) is { } parcel) Go(parcel);
            while (_puttingOff < MostPuttingOff && _board.NextPutOff(now) is { } parcel)
            {
                _puttingOff++;
                Go(parcel);
            }
            if (_toClaim.Count > 0) _signal.Set();
        }
    }

    void Go(Parcel parcel)
    {
        _going++;
        if (parcel.Leased.Count > 0) Begin(parcel);
        else _toClaim.Add(parcel);
    }

    void Begin(Parcel parcel) => ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Self.RunAsync(work.Parcel), (Self: this, Parcel: parcel), preferLocal: false);

    /// <summary>Those that have a place and wait for their claim.</summary>
    internal List<Parcel> TakeToClaim()
    {
        lock (_gate)
        {
            if (_toClaim.Count == 0) return [];
            var batch = _toClaim;
            _toClaim = [];
            return batch;
        }
    }

    /// <summary>The claims are committed: those begin that we have now. Returns leases that lead nowhere, to be given back.</summary>
    /// <param name="messages">By id; missing where a message cannot be read.</param>
    internal List<LeasedRecipient> Claimed(List<Parcel> batch, IReadOnlyList<LeasedRecipient> leased, IReadOnlyDictionary<long, QueuedMessage> messages)
    {
        var back = new List<LeasedRecipient>();
        var byId = new Dictionary<long, LeasedRecipient>(leased.Count);
        foreach (var r in leased) byId.Add(r.Id, r);
        lock (_gate)
        {
            foreach (var parcel in batch)
            {
                var mine = new List<LeasedRecipient>(parcel.Waiting.Count);
                foreach (var row in parcel.Waiting)
                {
                    if (!byId.TryGetValue(row.Id, out var r))
                    {
                        Forget(row.Id); // somebody else has it, or an administrator took it out
                        continue;
                    }
                    // Another way was written into the row since it was taken up: it is taken up again.
                    if (r.Via == row.Via && messages.ContainsKey(r.MessageId) && !_stopping) mine.Add(r);
                    else
                    {
                        back.Add(r);
                        Forget(r.Id);
                    }
                }
                if (mine.Count == 0)
                {
                    Drop(parcel);
                    continue;
                }
                parcel.Message = messages[parcel.MessageId];
                parcel.Leased = mine;
                _leases.Add(parcel, Now);
                Begin(parcel);
            }
        }
        return back;
    }

    /// <summary>The claims failed: nobody was claimed, and all are taken up again later.</summary>
    internal void NotClaimed(List<Parcel> batch)
    {
        lock (_gate)
            foreach (var parcel in batch)
            {
                foreach (var row in parcel.Waiting) Forget(row.Id);
                Drop(parcel);
            }
    }

    void Drop(Parcel parcel)
    {
        if (parcel.Unsent is null) _board.End(parcel);
        else _puttingOff--;
        Gone();
    }

    void Forget(long id)
    {
        _known.Remove(id);
        // What is read now may still show it as it was.
        if (_scanning) _ended.Add(id);
    }

    void Gone()
    {
        if (--_going == 0) _emptied?.TrySetResult();
    }

    async Task RunAsync(Parcel parcel)
    {
        try
        {
            var report = parcel.Unsent is null ? await _attempts.DeliverAsync(parcel, _cut.Token).ConfigureAwait(false) : null;
            // The place is free before the result is on disk: the next one need not wait for a commit.
            if (parcel.Unsent is null)
            {
                Placed(parcel, report);
                Pump();
            }
            var verdicts = report is null ? _attempts.NotMade(parcel) : _attempts.Judge(parcel, report, _cut.IsCancellationRequested);
            var noticeQueued = await _results.WriteAsync(parcel.Message!, parcel.Route, verdicts, CancellationToken.None).ConfigureAwait(false);
            _journal.Forget(parcel.Leased);
            NextDue(verdicts);
            if (noticeQueued) Look();
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException or OperationCanceledException)
        {
            // The store is gone, and the process goes with it: the leases and the journal tell the next one.
        }
        finally
        {
            lock (_gate)
            {
                _leases.Remove(parcel);
                foreach (var r in parcel.Leased) Forget(r.Id);
                if (parcel.Unsent is not null) _puttingOff--;
                Gone();
            }
            if (parcel.Unsent is not null) Pump();
        }
    }

    void Placed(Parcel parcel, DeliveryReport? report)
    {
        lock (_gate)
        {
            if (report is null || _cut.IsCancellationRequested)
            {
                _board.End(parcel); // what was cut says nothing about the destination
                return;
            }
            if (_board.End(parcel, report.Health, Attempts.Trouble(report), Now))
                QueueLog.Down(_log, parcel.Lane.Key, (long)parcel.Lane.Rest.TotalSeconds, parcel.Lane.LastTrouble ?? "");
        }
    }

    void NextDue(List<Verdict> verdicts)
    {
        lock (_gate)
            foreach (var verdict in verdicts)
                if (verdict.Kind == VerdictKind.Deferred && (_nextDue is null || verdict.Next < _nextDue))
                {
                    _nextDue = verdict.Next;
                    _signal.Set();
                }
    }

    /// <summary>The store is to be looked at soon.</summary>
    internal void Look()
    {
        lock (_gate) _look = true;
        _signal.Set();
    }

    /// <summary>With other routes everybody waits elsewhere: all is taken up anew.</summary>
    void RefreshRoutes()
    {
        if (!_routes.Refresh()) return;
        _board.Clear(row => _known.Remove(row.Id));
        _restart = _look = true;
        _signal.Set();
    }

    /// <summary>True when the store is to be read from its beginning again.</summary>
    internal bool TakeRestart()
    {
        lock (_gate)
        {
            RefreshRoutes();
            var restart = _restart;
            _restart = false;
            return restart;
        }
    }

    /// <summary>True when somebody has fallen due or was queued, or may have been.</summary>
    internal bool TakeLook(DateTimeOffset now)
    {
        lock (_gate)
        {
            // Whoever falls due does not rest: the look finds him, so it is not in vain.
            if (!(_nextDue <= now) && !(_look && Now >= _restUntil)) return false;
            (_look, _nextDue) = (false, null);
            return true;
        }
    }

    /// <summary>The store was read to its end, which took so long; the next who falls due does so then.</summary>
    internal void Looked(DateTimeOffset? nextDue, TimeSpan took)
    {
        lock (_gate)
        {
            if (nextDue is { } due && (_nextDue is null || due < _nextDue)) _nextDue = due;
            // So that looking takes at most a tenth of the time; bounded, since who was stopped meanwhile did not look for so long.
            _restUntil = Now + (took * 10 < LongestRest ? took * 10 : LongestRest);
        }
    }

    /// <summary>How long nobody has anything to do; null for until he is woken.</summary>
    internal TimeSpan? Idle()
    {
        lock (_gate)
        {
            var now = Now;
            TimeSpan? idle = _board.NextChange is { } change ? change - now : null;
            if (_nextDue is { } due && due - _time.GetUtcNow() is var wait && !(wait > idle)) idle = wait;
            if (_look && !(_restUntil - now > idle)) idle = _restUntil - now;
            return idle;
        }
    }

    internal bool HasRoom(bool fresh)
    {
        lock (_gate) return !_stopping && _board.HasRoom(fresh);
    }

    /// <summary>Before the store is read: who comes to an end from now on may still be in what is read.</summary>
    internal void BeginReading()
    {
        lock (_gate)
        {
            _scanning = true;
            _ended.Clear();
        }
    }

    /// <summary>What was read.</summary>
    internal void Offer(IReadOnlyList<WaitingRecipient> rows)
    {
        lock (_gate)
        {
            var now = Now;
            foreach (var row in rows)
                if (IsNew(row) && _board.Offer(row, _routes.Of(row), now)) _known.Add(row.Id);
            _scanning = false;
        }
    }

    bool IsNew(WaitingRecipient row) => !_known.Contains(row.Id) && !_ended.Contains(row.Id);

    /// <summary>A line that has room for more of the store; false when there is none.</summary>
    internal bool NextRefill([NotNullWhen(true)] out LineUp? line, [NotNullWhen(true)] out Lane? lane, out string? domain, out QueuePosition after, out QueuePosition? rescan)
    {
        (domain, after, rescan) = (null, default, null);
        lock (_gate)
        {
            if (_stopping || !_board.NextRefill(out line, out lane))
            {
                (line, lane) = (null, null);
                return false;
            }
            if (!line.NextStored(out domain, out after)) rescan = line.TakeRescan();
            return true;
        }
    }

    /// <summary>What was read for a line.</summary>
    /// <param name="upTo">How far; null for to the end.</param>
    internal void Refilled(LineUp line, Lane lane, string domain, IReadOnlyList<WaitingRecipient> rows, QueuePosition? upTo)
    {
        lock (_gate)
        {
            line.Read(domain, upTo);
            foreach (var row in rows)
            {
                if (!IsNew(row)) continue;
                var route = _routes.Of(row);
                // One that was sent another way since is found by the common scan.
                if (Board.KeyOf(route, row.Domain) != lane.Key) continue;
                _known.Add(row.Id);
                _board.Append(lane, row, route);
            }
            _scanning = false;
        }
    }

    internal Route RouteOf(WaitingRecipient row)
    {
        lock (_gate) return _routes.Of(row);
    }

    /// <summary>Leases that are to be held for longer.</summary>
    internal List<LeasedRecipient> LeasesToRenew()
    {
        lock (_gate) return _leases.ToRenew(Now);
    }

    /// <summary>They are ours for as long again, but for those that are not among <paramref name="his"/>.</summary>
    internal void Renewed(List<LeasedRecipient> asked, IReadOnlyList<long> his, Action<Parcel, LeasedRecipient> lost)
    {
        lock (_gate) _leases.Renewed(asked, his, Now, lost);
    }

    internal bool Works(long recipient)
    {
        lock (_gate) return _leases.Has(recipient);
    }

    /// <summary>Deliveries that have gone on for longer than this.</summary>
    internal List<Parcel> Longer(TimeSpan than)
    {
        lock (_gate) return _leases.Longer(Now - than);
    }

    internal List<DestinationState> Destinations()
    {
        lock (_gate)
        {
            var (now, utc) = (Now, _time.GetUtcNow());
            var states = new List<DestinationState>();
            foreach (var lane in _board.Lanes)
            {
                DateTimeOffset? cooled = lane.RestUntil > now ? utc + (lane.RestUntil - now) : null;
                if (lane.Active > 0 || lane.Waiting > 0 || cooled is not null || lane.LastTrouble is not null)
                    states.Add(new DestinationState(lane.Key, lane.Active, lane.Window.Size, lane.Waiting, cooled, lane.LastTrouble));
            }
            states.Sort(static (a, b) => b.Waiting != a.Waiting ? b.Waiting.CompareTo(a.Waiting) : string.CompareOrdinal(a.Destination, b.Destination));
            return states;
        }
    }

    internal void Forgive()
    {
        lock (_gate) _board.Forgive();
        Look();
    }

    internal void Tidy()
    {
        lock (_gate) _board.Tidy(Now);
    }

    /// <summary>Begins nothing new. Returns the leases of those that had not begun.</summary>
    internal List<LeasedRecipient> Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            var leases = new List<LeasedRecipient>();
            foreach (var parcel in _board.TakeClaimed())
            {
                _leases.Remove(parcel);
                leases.AddRange(parcel.Leased);
            }
            return leases;
        }
    }

    /// <summary>Completes when nothing goes on any more.</summary>
    internal Task Emptied()
    {
        lock (_gate) return _going == 0 ? Task.CompletedTask : (_emptied ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>What has not sent its final dot ends.</summary>
    internal Task CutAsync() => _cut.CancelAsync();

    public void Dispose() => _cut.Dispose();
}
