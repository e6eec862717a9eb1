using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>The leases that this process holds. Not thread-safe.</summary>
sealed class LeaseTable
{
    readonly Dictionary<long, (Parcel Parcel, LeasedRecipient Recipient, TimeSpan RenewAt)> _held = [];

    internal void Add(Parcel parcel, TimeSpan now)
    {
        foreach (var r in parcel.Leased) _held[r.Id] = (parcel, r, now + Dispatcher.LeaseTime / 3);
    }

    internal void Remove(Parcel parcel)
    {
        foreach (var r in parcel.Leased) _held.Remove(r.Id);
    }

    internal bool Has(long recipient) => _held.ContainsKey(recipient);

    internal List<LeasedRecipient> ToRenew(TimeSpan now)
    {
        var due = new List<LeasedRecipient>();
        foreach (var (_, recipient, at) in _held.Values)
            if (now >= at) due.Add(recipient);
        return due;
    }

    internal void Renewed(List<LeasedRecipient> asked, IReadOnlyList<long> his, TimeSpan now, Action<Parcel, LeasedRecipient> lost)
    {
        var still = his.ToHashSet();
        foreach (var recipient in asked)
        {
            if (!_held.TryGetValue(recipient.Id, out var held)) continue;
            if (still.Contains(recipient.Id))
            {
                _held[recipient.Id] = held with { RenewAt = now + Dispatcher.LeaseTime / 3 };
                continue;
            }
            lost(held.Parcel, recipient);
            _held.Remove(recipient.Id);
        }
    }

    /// <summary>The parcels that were begun before this; each once.</summary>
    internal List<Parcel> Longer(TimeSpan begunBefore)
    {
        var parcels = new HashSet<Parcel>();
        foreach (var (parcel, _, _) in _held.Values)
            if (parcel.Pool != Pool.None && parcel.Started < begunBefore) parcels.Add(parcel);
        return [.. parcels];
    }
}
