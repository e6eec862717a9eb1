using Posthorn.Storage;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// Takes up those whose time has come, in the order of time, by a cursor over the store for the fresh and one for the tried.
/// What a full destination leaves in the store it reads from there later. Once in a while everything is looked at, should
/// something have been missed. One caller at a time.
/// </summary>
sealed class TakeUp(MailStore store, Dispatcher dispatcher, RetrySchedule schedule, TimeProvider time)
{
    /// <summary>Rows of one read.</summary>
    const int Page = 500;

    /// <summary>Lines filled in one step, so that claims do not wait for long.</summary>
    const int RefillsOfStep = 16;

    /// <summary>A commit can come behind another whose rows are later, so the cursor stays this far behind the clock.</summary>
    static readonly TimeSpan Late = TimeSpan.FromSeconds(2);

    static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    static readonly QueuePosition Start = new(DateTimeOffset.MinValue, 0);

    readonly Cursor _fresh = new(true);
    readonly Cursor _tried = new(false);
    readonly Cursor _sweepFresh = new(true) { AtEnd = true };
    readonly Cursor _sweepTried = new(false) { AtEnd = true };
    TimeSpan _looking;
    TimeSpan _sweepBegan;
    TimeSpan _nextSweep = SweepEvery;
    bool _open = true;
    bool _sweeping;

    /// <summary>One step; true when there is more to do at once.</summary>
    internal bool Step()
    {
        if (dispatcher.TakeRestart()) Restart();
        if (dispatcher.TakeLook(time.GetUtcNow())) Look();
        var more = Refill();
        more |= Read(_fresh) | Read(_tried);
        if (_open && _fresh.AtEnd && _tried.AtEnd) End();
        return more | Sweep();
    }

    void Restart()
    {
        _fresh.At = _tried.At = Start;
        Look();
    }

    void Look()
    {
        _open = true;
        _looking = default;
        var now = time.GetUtcNow();
        _fresh.Reopen(now - Late);
        _tried.Reopen(now - Late);
    }

    bool Read(Cursor cursor)
    {
        if (cursor.AtEnd || !dispatcher.HasRoom(cursor.Fresh)) return false;
        var began = time.GetTimestamp();
        var now = time.GetUtcNow();
        dispatcher.BeginReading();
        var rows = store.Read(u => u.Queue.Waiting(cursor.Fresh, cursor.At, now, Page));
        dispatcher.Offer(rows);
        cursor.Follow(rows);
        _looking += time.GetElapsedTime(began);
        return !cursor.AtEnd && dispatcher.HasRoom(cursor.Fresh);
    }

    void End()
    {
        _open = false;
        var now = time.GetUtcNow();
        dispatcher.Looked(store.Read(u => u.Queue.NextDue(now)), _looking);
    }

    /// <summary>Fills the lines that have room from what they left in the store.</summary>
    bool Refill()
    {
        for (var n = 0; n < RefillsOfStep; n++)
        {
            if (!dispatcher.NextRefill(out var line, out var lane, out var domain, out var after, out var rescan)) return false;
            if (domain is null)
            {
                if (rescan is { } from) (line.Fresh ? _fresh : _tried).GoBack(from);
                continue;
            }
            var now = time.GetUtcNow();
            dispatcher.BeginReading();
            var rows = store.Read(u => u.Queue.WaitingFor(domain, line.Fresh, after, now, Board.MostRowsOfLane));
            QueuePosition? upTo = rows.Count < Board.MostRowsOfLane ? null : new QueuePosition(rows[^1].Due, rows[^1].Id);
            dispatcher.Refilled(line, lane, domain, rows, upTo);
        }
        return true;
    }

    /// <summary>A page of the look at everything, when it is time for one.</summary>
    bool Sweep()
    {
        if (!_sweeping)
        {
            if (dispatcher.Now < _nextSweep) return false;
            (_sweeping, _sweepBegan) = (true, dispatcher.Now);
            _sweepFresh.GoBack(Start);
            _sweepTried.GoBack(Start);
            Misdated(fresh: true);
            Misdated(fresh: false);
        }
        Look(_sweepFresh);
        Look(_sweepTried);
        if (!_sweepFresh.AtEnd || !_sweepTried.AtEnd) return true;
        var took = dispatcher.Now - _sweepBegan;
        _sweeping = false;
        // Of a long queue not so often: it takes at most a fiftieth of the time.
        _nextSweep = dispatcher.Now + (took * 50 > SweepEvery ? took * 50 : SweepEvery);
        return false;
    }

    void Look(Cursor cursor)
    {
        if (cursor.AtEnd || !dispatcher.HasRoom(cursor.Fresh))
        {
            cursor.AtEnd = true;
            return;
        }
        var now = time.GetUtcNow();
        dispatcher.BeginReading();
        var rows = store.Read(u => u.Queue.Waiting(cursor.Fresh, cursor.At, now, Page));
        dispatcher.Offer(rows);
        cursor.Follow(rows);
    }

    /// <summary>
    /// Those that are due further away than any wait is long: a clock that was wrong wrote that (promise 10). They are due
    /// now.
    /// </summary>
    void Misdated(bool fresh)
    {
        var now = time.GetUtcNow();
        for (var at = new QueuePosition(now + schedule.NearEnough, long.MaxValue); ;)
        {
            if (!dispatcher.HasRoom(fresh)) return;
            dispatcher.BeginReading();
            var rows = store.Read(u => u.Queue.Waiting(fresh, at, DateTimeOffset.MaxValue, Page));
            dispatcher.Offer([.. rows.Where(r => schedule.IsTooFar(r.Due, dispatcher.RouteOf(r), now)).Select(r => r with { Due = now })]);
            if (rows.Count < Page) return;
            at = new QueuePosition(rows[^1].Due, rows[^1].Id);
        }
    }

    sealed class Cursor(bool fresh)
    {
        internal bool Fresh => fresh;
        internal QueuePosition At { get; set; } = Start;
        internal bool AtEnd { get; set; }

        internal void Follow(IReadOnlyList<WaitingRecipient> rows)
        {
            if (rows.Count > 0) At = new QueuePosition(rows[^1].Due, rows[^1].Id);
            AtEnd = rows.Count < Page;
        }

        /// <summary>Never in front of the clock, which may have been set back.</summary>
        internal void Reopen(DateTimeOffset latest)
        {
            if (At.Due > latest) At = new QueuePosition(latest, 0);
            AtEnd = false;
        }

        internal void GoBack(QueuePosition to)
        {
            if (to.Due < At.Due || (to.Due == At.Due && to.Id < At.Id)) At = to;
            AtEnd = false;
        }
    }
}
