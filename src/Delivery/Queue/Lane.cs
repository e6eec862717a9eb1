using Posthorn.Accounts.Routes;

namespace Posthorn.Delivery.Queue;

/// <summary>What is known of one destination, and those that wait for it.</summary>
sealed class Lane
{
    readonly Queue<Parcel> _claimed = new();
    readonly int _start;
    bool _triedNext;

    /// <param name="key">The domain, or the text of the transport.</param>
    internal Lane(string key, Route route, QueueOptions options)
    {
        (Key, _start) = (key, options.ConcurrencyStart);
        Window = new Window(_start, route.Settings.Concurrency ?? options.ConcurrencyMost);
        Fresh = new LineUp(this, fresh: true);
        Tried = new LineUp(this, fresh: false);
        Follow(route, options);
    }

    internal string Key { get; }
    internal Window Window { get; private set; }
    internal LineUp Fresh { get; }
    internal LineUp Tried { get; }

    /// <summary>Most messages a minute; 0 for no bound.</summary>
    internal int Rate { get; private set; }

    /// <summary>How long it is left alone when it is taken for dead: never longer than a first retry waits, since those would miss their time.</summary>
    internal TimeSpan Rest { get; private set; }

    /// <summary>Its mail waits for somebody's word: nothing is dialled.</summary>
    internal bool Holds { get; private set; }

    /// <summary>Deliveries going on.</summary>
    internal int Active { get; set; }

    /// <summary>Of these, those that have gone on for long.</summary>
    internal int ActiveAside { get; set; }

    /// <summary>Fresh mail that is being committed for it.</summary>
    internal int Reserved { get; set; }

    /// <summary>It took a message since it was last in trouble.</summary>
    internal bool Proven { get; set; }

    /// <summary>How long deliveries took lately.</summary>
    internal TimeSpan Duration { get; set; }

    /// <summary>Nothing is dialled before this, by the board's clock.</summary>
    internal TimeSpan RestUntil { get; set; }

    /// <summary>The next message may go at this time, by the board's clock.</summary>
    internal TimeSpan NextByRate { get; set; }

    /// <summary>What waits is put off without dialling, and this is why; null otherwise.</summary>
    internal string? PutOff { get; set; }

    internal string? LastTrouble { get; set; }

    /// <summary>It stands in the ring of those that may have something to start.</summary>
    internal bool Listed { get; set; }

    /// <summary>It stands among those that have something to put off.</summary>
    internal bool ListedForPuttingOff { get; set; }

    /// <summary>It stands among those that take up more from the store.</summary>
    internal bool ListedForRefill { get; set; }

    /// <summary>It stands among those that rest for a time.</summary>
    internal bool Sleeps { get; set; }

    internal TimeSpan LastUse { get; set; }

    internal int Claimed => _claimed.Count;

    /// <summary>Recipients in memory that wait for a place.</summary>
    internal int Waiting
    {
        get
        {
            var n = Fresh.Rows + Tried.Rows;
            foreach (var parcel in _claimed) n += parcel.Leased.Count;
            return n;
        }
    }

    internal bool HasParcel => _claimed.Count > 0 || Fresh.Parcels > 0 || Tried.Parcels > 0;

    internal bool IsIdle => !HasParcel && !Fresh.HasStored && !Tried.HasStored && Active == 0 && Reserved == 0 && PutOff is null;

    internal LineUp Of(bool fresh) => fresh ? Fresh : Tried;

    /// <summary>Takes the bounds of a route that leads here.</summary>
    internal void Follow(Route route, QueueOptions options)
    {
        Rate = route.Settings.Rate ?? options.Rate;
        var first = route.Settings.RetryFirst ?? options.RetryFirst;
        Rest = first < options.Cooldown ? first : options.Cooldown;
        Holds = route.Transport.Kind == TransportKind.Hold;
        var most = route.Settings.Concurrency ?? options.ConcurrencyMost;
        if (most != Window.Most) Window.SetMost(most);
    }

    /// <summary>Fresh mail that came with its lease.</summary>
    internal void Add(Parcel claimed) => _claimed.Enqueue(claimed);

    /// <summary>The next one: fresh and tried in turn, of the fresh those first that are claimed.</summary>
    internal Parcel? Take()
    {
        _triedNext = !_triedNext;
        if (!_triedNext && Tried.Take() is { } tried) return tried;
        if (_claimed.TryDequeue(out var claimed)) return claimed;
        return Fresh.Take() ?? Tried.Take();
    }

    /// <summary>Takes those out that came claimed and were not begun.</summary>
    internal void TakeClaimed(List<Parcel> into)
    {
        while (_claimed.TryDequeue(out var parcel)) into.Add(parcel);
    }
}
