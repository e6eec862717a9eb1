using System.Diagnostics.CodeAnalysis;

namespace Posthorn.Accounts.Credentials;

/// <summary>
/// A dictionary of bounded size that forgets what was not used for longest, in two generations: when the young one is full
/// the old one goes. Costs O(1) and needs no clock. Not thread-safe.
/// </summary>
sealed class Generations<TKey, TValue>(int capacity) where TKey : notnull
{
    Dictionary<TKey, TValue> _young = [];
    Dictionary<TKey, TValue> _old = [];

    public int Count => _young.Count + _old.Count;

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.TryGetValue(key, out value)) return true;
        if (!_old.Remove(key, out value)) return false;
        Set(key, value);
        return true;
    }

    public void Set(TKey key, TValue value)
    {
        _old.Remove(key);
        _young[key] = value;
        if (_young.Count <= capacity / 2) return;
        _old = _young;
        _young = [];
    }

    public void Remove(TKey key)
    {
        _young.Remove(key);
        _old.Remove(key);
    }
}
