using Posthorn.Accounts.Routes;

namespace Posthorn.Delivery.Queue;

/// <summary>A place in the line of a destination that is held for fresh mail while it is committed.</summary>
sealed class ReservedPlace(Lane lane, Route route)
{
    internal Lane Lane => lane;
    internal Route Route => route;

    /// <summary>The recipients that it is for.</summary>
    internal List<string> Addresses { get; } = new(1);

    internal bool Used { get; set; }
}
