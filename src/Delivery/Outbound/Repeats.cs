using System.Collections.Concurrent;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// Remembers which destinations gave an answer that would end a message, so that it counts only when it is given again some
/// time later: zones are broken for minutes while people work on them. Kept in memory: after a restart one more attempt is
/// made. Thread-safe.
/// </summary>
/// <param name="least">So much later.</param>
sealed class Repeats(TimeProvider time, TimeSpan least)
{
    /// <summary>An answer that was not heard again for so long says nothing any more.</summary>
    static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);
    const int Most = 10_000;

    readonly ConcurrentDictionary<string, (long First, long Last)> _heard = new(StringComparer.Ordinal);

    /// <summary>Notes the answer; true when it was heard before, long enough ago and nothing else since.</summary>
    internal bool Hear(string destination)
    {
        var now = time.GetTimestamp();
        if (_heard.TryGetValue(destination, out var heard) && time.GetElapsedTime(heard.Last, now) < Forgotten)
        {
            _heard[destination] = heard with { Last = now };
            return time.GetElapsedTime(heard.First, now) >= least;
        }
        if (_heard.Count >= Most) _heard.Clear();
        _heard[destination] = (now, now);
        return false;
    }

    /// <summary>The destination answered otherwise.</summary>
    internal void Forget(string destination) => _heard.TryRemove(destination, out _);
}
