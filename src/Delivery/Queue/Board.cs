using System.Diagnostics.CodeAnalysis;
using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// Who goes next: the destinations in turn, each within its window, all within the places there are. Pure, without a lock or
/// a clock of its own: times are spans since its owner began.
/// </summary>
sealed class Board(QueueOptions options)
{
    /// <summary>Recipients that wait in memory, all together.</summary>
    internal const int MostRows = 10_000;

    /// <summary>Of one destination, of each kind.</summary>
    internal const int MostRowsOfLane = 200;
    const int FewRowsOfLane = 10;

    /// <summary>Parcels that came claimed and wait for a place, of one destination that works.</summary>
    const int MostClaimedOfLane = 64;
    const int MostClaimed = 2000;

    /// <summary>A destination without work is forgotten after this.</summary>
    internal static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(15);

    readonly Dictionary<string, Lane> _lanes = [];
    readonly Queue<Lane> _ring = new();
    readonly Queue<Lane> _puttingOff = new();
    readonly Queue<Lane> _refills = new();
    readonly PriorityQueue<Lane, TimeSpan> _resting = new();
    readonly Places _places = new(options.Deliveries);
    int _claimed;
    int _freshRows;
    int _triedRows;

    int Rows => _freshRows + _triedRows;

    /// <summary>True while more may be taken up: half of the memory is for each kind.</summary>
    internal bool HasRoom(bool fresh) => (fresh ? _freshRows : _triedRows) < MostRows / 2;

    internal int Active => _places.Taken;

    /// <summary>Claimed parcels that wait for a place.</summary>
    internal int ClaimedWaiting => _claimed;

    internal IEnumerable<Lane> Lanes => _lanes.Values;

    /// <summary>The key of a destination: the recipient's domain, or the way out with its login.</summary>
    internal static string KeyOf(Route route, string domain) => route.Transport.Kind == TransportKind.Mx ? domain
        : route.Settings.Login is { } login ? $"{route.Transport} as {login.User}" : route.Transport.ToString();

    internal Lane LaneOf(Route route, string domain, TimeSpan now)
    {
        var key = KeyOf(route, domain);
        if (!_lanes.TryGetValue(key, out var lane)) _lanes.Add(key, lane = new Lane(key, route, options));
        else lane.Follow(route, options);
        lane.LastUse = now;
        return lane;
    }

    /// <summary>A recipient of the store; false when it stays there for now.</summary>
    internal bool Offer(WaitingRecipient row, Route route, TimeSpan now)
    {
        var lane = LaneOf(route, row.Domain, now);
        // Those that work get through what they have; the memory must not fill with what waits for the others.
        var room = Rows > MostRows / 2 && !lane.Proven ? FewRowsOfLane : MostRowsOfLane;
        var taken = lane.Of(row.Attempts == 0).Offer(row, route, room, options.Recipients);
        if (taken) Count(row.Attempts == 0, 1);
        List(lane);
        return taken;
    }

    /// <summary>The same for one of <see cref="NextRefill"/>'s.</summary>
    internal void Append(Lane lane, WaitingRecipient row, Route route)
    {
        lane.Of(row.Attempts == 0).Append(row, route, options.Recipients);
        Count(row.Attempts == 0, 1);
        List(lane);
    }

    void Count(bool fresh, int rows)
    {
        if (fresh) _freshRows += rows;
        else _triedRows += rows;
    }

    /// <summary>True when fresh mail for this destination may be queued as claimed; its place in the line is then held.</summary>
    internal bool TryReserve(Lane lane, TimeSpan now)
    {
        if (lane.Holds || lane.PutOff is not null || now < lane.RestUntil || !lane.Fresh.IsEmpty || Places.IsSlow(lane) || _claimed >= MostClaimed) return false;
        var before = lane.Claimed + lane.Reserved;
        var room = lane.Rate > 0 ? (now >= lane.NextByRate ? 1 : 0) : lane.Proven ? MostClaimedOfLane : Math.Max(0, lane.Window.Size - lane.Active);
        if (before >= room) return false;
        lane.Reserved++;
        _claimed++;
        return true;
    }

    /// <summary>A held place is used (with the parcel) or given up (with null).</summary>
    internal void Use(Lane lane, Parcel? claimed)
    {
        lane.Reserved--;
        if (claimed is null)
        {
            _claimed--;
            return;
        }
        lane.Add(claimed);
        List(lane);
    }

    /// <summary>The next that goes; null when none may now. It has a place until <see cref="End"/>.</summary>
    internal Parcel? Next(TimeSpan now)
    {
        _places.Age(now);
        while (_resting.TryPeek(out var rested, out var until) && until <= now)
        {
            _resting.Dequeue();
            rested.Sleeps = false;
            List(rested);
        }
        for (var n = _ring.Count; n > 0; n--)
        {
            if (_places.AllTaken) return null;
            var lane = _ring.Dequeue();
            lane.Listed = false;
            if (!MayStart(lane, now)) continue; // whoever frees it lists it again
            var pool = _places.For(lane);
            if (pool != Pool.None)
            {
                var parcel = Start(lane, pool, now);
                List(lane);
                return parcel;
            }
            List(lane);
        }
        return null;
    }

    bool MayStart(Lane lane, TimeSpan now)
    {
        if (!lane.HasParcel || lane.PutOff is not null || lane.Holds || lane.Active >= lane.Window.Size) return false;
        var rest = lane.Rate > 0 && lane.NextByRate > lane.RestUntil ? lane.NextByRate : lane.RestUntil;
        if (now >= rest) return true;
        Sleep(lane, rest);
        return false;
    }

    Parcel Start(Lane lane, Pool pool, TimeSpan now)
    {
        var parcel = lane.Take()!;
        Took(parcel);
        Refill(lane);
        lane.Active++;
        lane.LastUse = now;
        if (lane.Rate > 0) lane.NextByRate = now + TimeSpan.FromMinutes(1) / lane.Rate;
        parcel.Started = now;
        _places.Take(parcel, pool);
        return parcel;
    }

    void Took(Parcel parcel)
    {
        Count(parcel.Fresh, -parcel.Waiting.Count);
        if (parcel.Waiting.Count == 0) _claimed--;
    }

    /// <summary>A place is free again; nothing is learnt from it.</summary>
    internal void End(Parcel parcel)
    {
        _places.Leave(parcel);
        parcel.Lane.Active--;
        List(parcel.Lane);
    }

    /// <summary>The same after a delivery. True when the destination is now taken for dead.</summary>
    internal bool End(Parcel parcel, Outbound.DestinationHealth health, string? trouble, TimeSpan now)
    {
        var lane = parcel.Lane;
        var active = lane.Active;
        var dead = false;
        lane.Duration = (lane.Duration * 3 + (now - parcel.Started)) / 4;
        switch (health)
        {
            case Outbound.DestinationHealth.Good:
                lane.Window.Good(active);
                (lane.Proven, lane.LastTrouble) = (true, null);
                break;
            case Outbound.DestinationHealth.Busy:
                lane.Window.Busy();
                lane.LastTrouble = trouble;
                break;
            default:
                lane.LastTrouble = trouble;
                lane.Proven = false;
                if (!(dead = lane.Window.Down())) break;
                lane.RestUntil = now + lane.Rest;
                lane.PutOff = trouble ?? "its hosts could not be reached";
                break;
        }
        lane.LastUse = now;
        End(parcel);
        return dead;
    }

    /// <summary>Enters a destination where it belongs after a change.</summary>
    void List(Lane lane)
    {
        if (lane.PutOff is not null || lane.Holds)
        {
            if (lane.ListedForPuttingOff || (lane.PutOff is null && !lane.HasParcel)) return;
            lane.ListedForPuttingOff = true;
            _puttingOff.Enqueue(lane);
            return;
        }
        if (lane.Listed || !lane.HasParcel) return;
        lane.Listed = true;
        _ring.Enqueue(lane);
    }

    /// <summary>The next that is put off without dialling; it takes no place. Null when there is none.</summary>
    internal Parcel? NextPutOff(TimeSpan now)
    {
        while (_puttingOff.TryPeek(out var lane))
        {
            if (lane.PutOff is null && !lane.Holds)
            {
                // Forgiven meanwhile: it is dialled like any other.
                _puttingOff.Dequeue();
                lane.ListedForPuttingOff = false;
                List(lane);
                continue;
            }
            if (lane.Take() is { } parcel)
            {
                Took(parcel);
                Refill(lane);
                parcel.Unsent = lane.PutOff ?? "";
                parcel.Started = now;
                return parcel;
            }
            // The others are still in the store: they come by a refill, and then it is listed again.
            _puttingOff.Dequeue();
            lane.ListedForPuttingOff = false;
            if (lane.Fresh.HasStored || lane.Tried.HasStored) continue;
            lane.PutOff = null;
            Sleep(lane, lane.RestUntil);
        }
        return null;
    }

    void Sleep(Lane lane, TimeSpan until)
    {
        if (lane.Sleeps) return;
        lane.Sleeps = true;
        _resting.Enqueue(lane, until);
    }

    void Refill(Lane lane)
    {
        if (lane.ListedForRefill || !(Wants(lane.Fresh) || Wants(lane.Tried))) return;
        lane.ListedForRefill = true;
        _refills.Enqueue(lane);
    }

    static bool Wants(LineUp line) => line.HasStored && line.Rows <= MostRowsOfLane / 2;

    /// <summary>A line that is to be filled from the store.</summary>
    internal bool NextRefill([NotNullWhen(true)] out LineUp? line, [NotNullWhen(true)] out Lane? lane)
    {
        while (_refills.TryPeek(out lane))
        {
            line = Wants(lane.Fresh) ? lane.Fresh : lane.Tried;
            if (Wants(line)) return true;
            _refills.Dequeue();
            lane.ListedForRefill = false;
            List(lane);
        }
        line = null;
        return false;
    }

    /// <summary>When somebody who rests may go on, or a delivery that goes on begins to count as slow; null when neither will.</summary>
    internal TimeSpan? NextChange
    {
        get
        {
            TimeSpan? rest = _resting.TryPeek(out _, out var until) ? until : null;
            // Nobody waits for a place: then it does not matter how long the others take.
            var slow = _ring.Count > 0 ? _places.NextSlow : null;
            return rest is null || slow < rest ? slow ?? rest : rest;
        }
    }

    /// <summary>Destinations that there is work for or that are cooled down, those with most that waits first.</summary>
    internal List<DestinationState> States(TimeSpan now, DateTimeOffset utc)
    {
        var states = new List<DestinationState>();
        foreach (var lane in _lanes.Values)
        {
            DateTimeOffset? cooled = lane.RestUntil > now ? utc + (lane.RestUntil - now) : null;
            if (lane.Active > 0 || lane.Waiting > 0 || cooled is not null || lane.LastTrouble is not null)
                states.Add(new DestinationState(lane.Key, lane.Active, lane.Window.Size, lane.Waiting, cooled, lane.LastTrouble));
        }
        states.Sort(static (a, b) => b.Waiting != a.Waiting ? b.Waiting.CompareTo(a.Waiting) : string.CompareOrdinal(a.Destination, b.Destination));
        return states;
    }

    /// <summary>Forgets what is known of destinations.</summary>
    internal void Forgive()
    {
        foreach (var lane in _lanes.Values)
        {
            lane.Window.Reset();
            (lane.RestUntil, lane.PutOff, lane.LastTrouble) = (default, null, null);
            List(lane);
        }
    }

    /// <summary>Forgets who waits, so that all is taken up anew (the routes have changed). What is claimed stays.</summary>
    internal void Clear(Action<WaitingRecipient> forgotten)
    {
        foreach (var lane in _lanes.Values)
        {
            lane.Fresh.Clear(forgotten);
            lane.Tried.Clear(forgotten);
        }
        (_freshRows, _triedRows) = (0, 0);
    }

    /// <summary>Takes those out that are claimed and were not begun.</summary>
    internal List<Parcel> TakeClaimed()
    {
        var parcels = new List<Parcel>();
        foreach (var lane in _lanes.Values) lane.TakeClaimed(parcels);
        _claimed -= parcels.Count;
        return parcels;
    }

    /// <summary>Forgets destinations that nothing was to be done for lately.</summary>
    internal void Tidy(TimeSpan now)
    {
        List<string>? idle = null;
        foreach (var (key, lane) in _lanes)
            if (lane.IsIdle && !lane.Listed && !lane.ListedForPuttingOff && !lane.ListedForRefill && now >= lane.RestUntil && now - lane.LastUse > ForgetAfter) (idle ??= []).Add(key);
        if (idle is null) return;
        foreach (var key in idle) _lanes.Remove(key);
    }
}
