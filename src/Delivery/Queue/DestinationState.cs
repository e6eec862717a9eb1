namespace Posthorn.Delivery.Queue;

/// <summary>What the scheduler knows of a destination.</summary>
/// <param name="Active">Deliveries going on.</param>
/// <param name="Limit">How many there may be now.</param>
/// <param name="Waiting">Recipients in memory that wait for a place.</param>
/// <param name="CooledUntil">No connection before this; null when it is well.</param>
/// <param name="LastTrouble">What was wrong last, in words; null for nothing.</param>
public sealed record DestinationState(string Destination, int Active, int Limit, int Waiting, DateTimeOffset? CooledUntil, string? LastTrouble);
