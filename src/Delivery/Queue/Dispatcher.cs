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

    /// <summary>Parcels that are put off at once.</summary>
    const int MostPuttingOff = 500;

    readonly Lock _gate = new();
    readonly Board _board;
    readonly RouteChoice _routes;
    readonly LeaseTable _leases = new();
    readonly KnownRecipients _known = new();
    readonly LookTimes _looks = new();
    readonly TimeProvider _time;
    readonly long _origin;
    readonly Runner _runner;
    readonly QueueOptions _options;
    readonly Signal _signal;
    readonly ILogger _log;
    List<Parcel> _toClaim = [];
    TaskCompletionSource? _emptied;
    bool _stopping;
    int _going;
    int _puttingOff;

    internal Dispatcher(string owner, QueueOptions options, Func<RouteBook> routes, Runner runner, Signal signal, TimeProvider time, ILogger log)
    {
        (Owner, _options, _runner, _signal, _time, _log) = (owner, options, runner, signal, time, log);
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
        if (parcel.Leased.Count > 0) _runner.Begin(this, parcel);
        else _toClaim.Add(parcel);
    }

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
                        _known.Forget(row.Id); // somebody else has it, or an administrator took it out
                        continue;
                    }
                    // Another way was written into the row since it was taken up: it is taken up again.
                    if (r.Via == row.Via && messages.ContainsKey(r.MessageId) && !_stopping) mine.Add(r);
                    else
                    {
                        back.Add(r);
                        _known.Forget(r.Id);
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
                _runner.Begin(this, parcel);
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
                foreach (var row in parcel.Waiting) _known.Forget(row.Id);
                Drop(parcel);
            }
    }

    void Drop(Parcel parcel)
    {
        if (parcel.Unsent is null) _board.End(parcel);
        else _puttingOff--;
        Gone();
    }

    void Gone()
    {
        if (--_going == 0) _emptied?.TrySetResult();
    }

    /// <summary>Its place is free again. The report tells of the destination; null for nothing learnt.</summary>
    internal void Delivered(Parcel parcel, DeliveryReport? report)
    {
        lock (_gate)
        {
            if (report is null) _board.End(parcel);
            else if (_board.End(parcel, report.Health, Attempts.Trouble(report), Now))
                QueueLog.Down(_log, parcel.Lane.Key, (long)parcel.Lane.Rest.TotalSeconds, parcel.Lane.LastTrouble ?? "");
        }
    }

    internal void NextDue(List<Verdict> verdicts)
    {
        lock (_gate)
            foreach (var verdict in verdicts)
                if (verdict.Kind == VerdictKind.Deferred && _looks.WantAt(verdict.Next)) _signal.Set();
    }

    /// <summary>Its result is on disk, or never will be.</summary>
    internal void Ended(Parcel parcel)
    {
        lock (_gate)
        {
            _leases.Remove(parcel);
            foreach (var r in parcel.Leased) _known.Forget(r.Id);
            if (parcel.Unsent is not null) _puttingOff--;
            Gone();
        }
    }

    /// <summary>The store is to be looked at soon.</summary>
    internal void Look()
    {
        lock (_gate) _looks.Want();
        _signal.Set();
    }

    /// <summary>With other routes everybody waits elsewhere: all is taken up anew.</summary>
    void RefreshRoutes()
    {
        if (!_routes.Refresh()) return;
        _board.Clear(row => _known.GiveUp(row.Id));
        _looks.WantAll();
        _signal.Set();
    }

    /// <summary>True when the store is to be read from its beginning again.</summary>
    internal bool TakeRestart()
    {
        lock (_gate)
        {
            RefreshRoutes();
            return _looks.TakeRestart();
        }
    }

    /// <summary>True when somebody has fallen due or was queued, or may have been.</summary>
    internal bool TakeLook(DateTimeOffset now)
    {
        lock (_gate) return _looks.Take(now, Now);
    }

    /// <summary>The store was read to its end, which took so long; the next who falls due does so then.</summary>
    internal void Looked(DateTimeOffset? nextDue, TimeSpan took)
    {
        lock (_gate)
        {
            if (nextDue is { } due) _looks.WantAt(due);
            _looks.Looked(took, Now);
        }
    }

    /// <summary>How long nobody has anything to do; null for until he is woken.</summary>
    internal TimeSpan? Idle()
    {
        lock (_gate)
        {
            var now = Now;
            return _looks.Until(_board.NextChange - now, _time.GetUtcNow(), now);
        }
    }

    internal bool HasRoom(bool fresh)
    {
        lock (_gate) return !_stopping && _board.HasRoom(fresh);
    }

    /// <summary>Before the store is read: who comes to an end from now on may still be in what is read.</summary>
    internal void BeginReading()
    {
        lock (_gate) _known.BeginReading();
    }

    /// <summary>What was read.</summary>
    internal void Offer(IReadOnlyList<WaitingRecipient> rows)
    {
        lock (_gate)
        {
            var now = Now;
            foreach (var row in rows)
                if (_known.IsNew(row) && _board.Offer(row, _routes.Of(row), now)) _known.Add(row.Id);
            _known.EndReading();
        }
    }

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
                if (!_known.IsNew(row)) continue;
                var route = _routes.Of(row);
                // One that was sent another way since is found by the common scan.
                if (Board.KeyOf(route, row.Domain) != lane.Key) continue;
                _known.Add(row.Id);
                _board.Append(lane, row, route);
            }
            _known.EndReading();
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
        lock (_gate) return _board.States(Now, _time.GetUtcNow());
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
    internal Task CutAsync() => _runner.CutAsync();

    public void Dispose() => _runner.Dispose();
}
