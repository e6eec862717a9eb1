namespace Posthorn.Delivery.Queue;

/// <summary>When the store is to be looked at for those who fall due. Not thread-safe.</summary>
sealed class LookTimes
{
    /// <summary>From one look at the store to the next, when nobody falls due.</summary>
    static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    DateTimeOffset? _nextDue;
    TimeSpan _restUntil;
    bool _wanted = true;
    bool _restart;

    /// <summary>Soon.</summary>
    internal void Want() => _wanted = true;

    /// <summary>From the beginning.</summary>
    internal void WantAll() => _restart = _wanted = true;

    /// <summary>Somebody falls due then; true when he is the next.</summary>
    internal bool WantAt(DateTimeOffset due)
    {
        if (_nextDue <= due) return false;
        _nextDue = due;
        return true;
    }

    /// <summary>True, once, when the store is to be read from its beginning again.</summary>
    internal bool TakeRestart()
    {
        var restart = _restart;
        _restart = false;
        return restart;
    }

    /// <summary>True when somebody has fallen due or was queued, or may have been.</summary>
    /// <param name="now">By the board's clock.</param>
    internal bool Take(DateTimeOffset utc, TimeSpan now)
    {
        // Whoever falls due does not rest: the look finds him, so it is not in vain.
        if (!(_nextDue <= utc) && !(_wanted && now >= _restUntil)) return false;
        (_wanted, _nextDue) = (false, null);
        return true;
    }

    /// <summary>The store was read to its end, which took so long.</summary>
    internal void Looked(TimeSpan took, TimeSpan now) =>
        // So that looking takes at most a tenth of the time; bounded, since who was stopped meanwhile did not look for so long.
        _restUntil = now + (took * 10 < LongestRest ? took * 10 : LongestRest);

    /// <summary>How long until the next look, at most <paramref name="idle"/>; null for until somebody is queued.</summary>
    internal TimeSpan? Until(TimeSpan? idle, DateTimeOffset utc, TimeSpan now)
    {
        if (_nextDue is { } due && due - utc is var wait && !(wait > idle)) idle = wait;
        if (_wanted && !(_restUntil - now > idle)) idle = _restUntil - now;
        return idle;
    }
}
