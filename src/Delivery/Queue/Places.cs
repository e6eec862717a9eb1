namespace Posthorn.Delivery.Queue;

/// <summary>
/// The places that deliveries take. Destinations that are unknown and those that are slow have places of their own, so that
/// neither takes those of the others; all together are bounded by four times the setting. Pure, like the board.
/// </summary>
/// <param name="each">Places for destinations that work; as many are there for unknown ones, and twice as many aside.</param>
sealed class Places(int each)
{
    /// <summary>A delivery that goes on for longer takes one of the places aside.</summary>
    internal static readonly TimeSpan SlowAfter = TimeSpan.FromSeconds(2);

    readonly Queue<Parcel> _started = new();
    readonly int _mostAside = each * 2;
    int _general;
    int _trial;
    int _aside;

    internal int Taken => _general + _trial + _aside;

    internal bool AllTaken => _general >= each && _trial >= each && _aside >= _mostAside;

    /// <summary>When the oldest delivery that does not count as slow begins to, if there is a place aside for it.</summary>
    internal TimeSpan? NextSlow
    {
        get
        {
            while (_started.TryPeek(out var ended) && ended.Ended) _started.Dequeue();
            return _aside < _mostAside && _started.TryPeek(out var oldest) ? oldest.Started + SlowAfter : null;
        }
    }

    internal static bool IsSlow(Lane lane) => lane.ActiveAside > 0 || lane.Duration > SlowAfter;

    /// <summary>
    /// Which places it may have one of now. Of those for unknown destinations each gets one when half of them are taken, to
    /// show itself: however many new tarpits there are, those that work go on.
    /// </summary>
    internal Pool For(Lane lane)
    {
        if (IsSlow(lane)) return _aside < _mostAside ? Pool.Aside : Pool.None;
        if (lane.Proven) return _general < each ? Pool.General : Pool.None;
        if (_trial >= each) return Pool.None;
        return _trial * 2 >= each && lane.Active > 0 ? Pool.None : Pool.Trial;
    }

    /// <summary>A delivery that begins now takes a place of this kind.</summary>
    internal void Take(Parcel parcel, Pool pool)
    {
        parcel.Pool = pool;
        Count(parcel, 1);
        if (pool != Pool.Aside) _started.Enqueue(parcel);
    }

    /// <summary>Its place is free again.</summary>
    internal void Leave(Parcel parcel)
    {
        parcel.Ended = true;
        Count(parcel, -1);
        parcel.Pool = Pool.None;
    }

    /// <summary>Moves those aside that have gone on for long, as far as there are places.</summary>
    internal void Age(TimeSpan now)
    {
        while (_started.TryPeek(out var parcel) && (parcel.Ended || (now - parcel.Started >= SlowAfter && _aside < _mostAside)))
        {
            _started.Dequeue();
            if (parcel.Ended) continue;
            Count(parcel, -1);
            parcel.Pool = Pool.Aside;
            Count(parcel, 1);
        }
    }

    /// <summary>1 for taken, -1 for free again.</summary>
    void Count(Parcel parcel, int by)
    {
        switch (parcel.Pool)
        {
            case Pool.General:
                _general += by;
                break;
            case Pool.Trial:
                _trial += by;
                break;
            case Pool.Aside:
                _aside += by;
                parcel.Lane.ActiveAside += by;
                break;
        }
    }
}
