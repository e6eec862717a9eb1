namespace Posthorn.Delivery.Queue;

/// <summary>
/// How many deliveries a destination gets at once: a window that grows while they go well and shrinks when the peer asks for
/// less. Grows by one for each window full of successes, or for each success while it is below its start (slow start); each
/// refusal takes one away, since it was one too many. A window full of deliveries that reached no host closes it.
/// </summary>
sealed class Window(int start, int most)
{
    double _credit;
    double _down;

    /// <summary>At least 1.</summary>
    internal int Size { get; private set; } = Math.Max(1, Math.Min(start, most));

    internal int Most { get; private set; } = Math.Max(1, most);

    /// <summary>Takes another bound (a route was changed).</summary>
    internal void SetMost(int bound)
    {
        Most = Math.Max(1, bound);
        Size = Math.Min(Size, Most);
    }

    /// <param name="active">Deliveries going on, with this one: a window that is not used does not grow.</param>
    internal void Good(int active)
    {
        _down = 0;
        if (Size >= Most || Size > active + start) return;
        _credit += Size < start ? 1 : 1.0 / Size;
        if (_credit < 1) return;
        _credit = 0;
        Size++;
    }

    internal void Busy()
    {
        _credit = 0;
        Size = Math.Max(1, Size - 1);
    }

    /// <summary>True when so many in a row came to no host that the destination counts as dead; the next one is then a probe, alone.</summary>
    internal bool Down()
    {
        _credit = 0;
        _down += 1.0 / Size;
        Size = Math.Max(1, Size - 1);
        if (_down < 1) return false;
        _down = 0;
        Size = 1;
        return true;
    }

    /// <summary>Forgets all trouble.</summary>
    internal void Reset() => (Size, _credit, _down) = (Math.Max(Size, Math.Min(start, Most)), 0, 0);
}
