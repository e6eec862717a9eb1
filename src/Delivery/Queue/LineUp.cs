using System.Diagnostics.CodeAnalysis;
using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// Those that wait for one destination, fresh or tried, in the order of time: the first of them in memory, of the others only
/// where in the store they begin.
/// </summary>
sealed class LineUp(Lane lane, bool fresh)
{
    /// <summary>More domains than this wait for one destination only where that is a smart host; they are then found by the common scan.</summary>
    internal const int MostDomains = 1000;

    readonly Queue<Parcel> _parcels = new();
    Parcel? _last;
    readonly Queue<string> _turns = new();
    Dictionary<string, QueuePosition>? _stored;

    internal bool Fresh => fresh;

    /// <summary>Recipients in memory.</summary>
    internal int Rows { get; private set; }

    internal int Parcels => _parcels.Count;

    /// <summary>True when more wait in the store.</summary>
    internal bool HasStored => _stored is not null || Rescan is not null;

    internal bool IsEmpty => _parcels.Count == 0 && !HasStored;

    /// <summary>The common scan has to begin here again for this destination; null when it need not.</summary>
    internal QueuePosition? Rescan { get; private set; }

    /// <summary>
    /// Takes one up behind the others, or notes where it lies when there is no room; false for the latter. Whoever comes
    /// behind one that was left in the store stays there too: nobody is overtaken.
    /// </summary>
    internal bool Offer(WaitingRecipient row, Route route, int room, int mostTogether)
    {
        if (HasStored || (Rows >= room && !Joins(row, route, mostTogether)))
        {
            Leave(row);
            return false;
        }
        Append(row, route, mostTogether);
        return true;
    }

    /// <summary>Takes one up that <see cref="NextStored"/> led to.</summary>
    internal void Append(WaitingRecipient row, Route route, int mostTogether)
    {
        if (!Joins(row, route, mostTogether)) _parcels.Enqueue(_last = new Parcel(lane, route, row.MessageId, fresh));
        _last.Waiting.Add(row);
        Rows++;
    }

    [MemberNotNullWhen(true, nameof(_last))]
    bool Joins(WaitingRecipient row, Route route, int most) =>
        _last is not null && _last.MessageId == row.MessageId && ReferenceEquals(_last.Route, route) && _last.Waiting.Count < most;

    void Leave(WaitingRecipient row)
    {
        var before = new QueuePosition(row.Due, row.Id - 1);
        if (_stored is not null && _stored.TryGetValue(row.Domain, out var there))
        {
            // One that was found late (its commit came behind others') lies before what was left.
            if (before.Due < there.Due || (before.Due == there.Due && before.Id < there.Id)) _stored[row.Domain] = before;
            return;
        }
        if (Rescan is not null) return;
        if (_stored is null || _stored.Count < MostDomains)
        {
            (_stored ??= []).Add(row.Domain, before);
            _turns.Enqueue(row.Domain);
        }
        else Rescan = before;
    }

    /// <summary>The next one; null when none is in memory.</summary>
    internal Parcel? Take()
    {
        if (!_parcels.TryDequeue(out var parcel)) return null;
        if (_parcels.Count == 0) _last = null;
        Rows -= parcel.Waiting.Count;
        return parcel;
    }

    /// <summary>A domain that more wait for in the store, and behind which place there.</summary>
    internal bool NextStored([NotNullWhen(true)] out string? domain, out QueuePosition after)
    {
        if (_stored is not null && _turns.TryPeek(out domain))
        {
            after = _stored[domain];
            return true;
        }
        (domain, after) = (null, default);
        return false;
    }

    /// <summary>The store was read for a domain: up to here, or to the end.</summary>
    internal void Read(string domain, QueuePosition? upTo)
    {
        if (_stored is null || !_stored.Remove(domain)) return;
        _turns.Dequeue();
        if (upTo is { } more)
        {
            _stored[domain] = more;
            _turns.Enqueue(domain); // behind the others: each domain has its turn
        }
        if (_stored.Count == 0) _stored = null;
    }

    /// <summary>The common scan begins again where this destination was left, so that it finds what waits.</summary>
    internal QueuePosition? TakeRescan()
    {
        if (_stored is not null || Rescan is not { } position) return null;
        Rescan = null;
        return position;
    }

    /// <summary>Forgets everything; the recipients that were in memory are told of.</summary>
    internal void Clear(Action<WaitingRecipient> forgotten)
    {
        foreach (var parcel in _parcels)
            foreach (var row in parcel.Waiting) forgotten(row);
        _parcels.Clear();
        _turns.Clear();
        _last = null;
        _stored = null;
        Rescan = null;
        Rows = 0;
    }

    /// <summary>When the one that waits longest fell due; null when none is in memory.</summary>
    internal WaitingRecipient? Oldest => _parcels.TryPeek(out var parcel) && parcel.Waiting.Count > 0 ? parcel.Waiting[0] : null;
}
