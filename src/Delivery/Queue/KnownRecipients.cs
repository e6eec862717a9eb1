using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Queue;

/// <summary>Recipients that were taken up already, so that what is read of the store twice is not taken up twice. Not thread-safe.</summary>
sealed class KnownRecipients
{
    readonly HashSet<long> _known = [];
    readonly HashSet<long> _ended = [];
    bool _reading;

    internal bool IsNew(WaitingRecipient row) => !_known.Contains(row.Id) && !_ended.Contains(row.Id);

    internal void Add(long id) => _known.Add(id);

    /// <summary>He is in the store as before, and may be taken up again at once.</summary>
    internal void GiveUp(long id) => _known.Remove(id);

    /// <summary>He came to an end, or somebody else has him.</summary>
    internal void Forget(long id)
    {
        _known.Remove(id);
        // What is read now may still show him as he was.
        if (_reading) _ended.Add(id);
    }

    /// <summary>Before the store is read: who comes to an end from now on may still be in what is read.</summary>
    internal void BeginReading()
    {
        _reading = true;
        _ended.Clear();
    }

    /// <summary>What was read is taken up.</summary>
    internal void EndReading() => _reading = false;
}
