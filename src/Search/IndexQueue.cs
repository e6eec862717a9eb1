namespace Posthorn.Search;

/// <summary>Accounts that have mail to index, each once, in the order in which they came.</summary>
sealed class IndexQueue
{
    readonly Lock _lock = new();
    readonly HashSet<long> _in = [];
    readonly Queue<long> _order = new();

    internal bool IsEmpty
    {
        get { lock (_lock) return _order.Count == 0; }
    }

    /// <summary>False when it waits already.</summary>
    internal bool Add(long account)
    {
        lock (_lock)
        {
            if (!_in.Add(account)) return false;
            _order.Enqueue(account);
            return true;
        }
    }

    internal bool TryTake(out long account)
    {
        lock (_lock) return _order.TryDequeue(out account) && _in.Remove(account);
    }
}
