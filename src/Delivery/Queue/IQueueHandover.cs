using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Queue;

/// <summary>
/// From those who queue mail to the scheduler. Mail that can go at once is queued with its first attempt already recorded
/// ("born leased"), so that it costs no further commit and no query before it is dialled.
/// </summary>
interface IQueueHandover
{
    /// <summary>
    /// Asked before the commit: a lease for those of the recipients for which there is a place now or soon, and which they
    /// are (by index); null when all have to wait. Places are held until <see cref="Abandon"/>, which always follows.
    /// </summary>
    FreshMail? Reserve(IReadOnlyList<EmailAddress> recipients, EmailAddress? sender);

    /// <summary>After the commit: the leased recipients go at once. Once for each message that the recipients were queued in.</summary>
    void HandOver(FreshMail places, QueuedMessage message, IReadOnlyList<LeasedRecipient> leased);

    /// <summary>The places that were not used are free again: the unit failed, or what was to be queued was refused.</summary>
    void Abandon(FreshMail places);

    /// <summary>Something was queued or made due otherwise: look at the store soon.</summary>
    void Wake();
}

/// <summary>Reserved places.</summary>
/// <param name="Lease">The lease to queue the recipients with.</param>
/// <param name="Now">For each recipient asked about: true when it is to be queued as Leased.</param>
sealed record FreshMail(QueueLease Lease, bool[] Now)
{
    /// <summary>One for each parcel that they will be.</summary>
    internal IReadOnlyList<ReservedPlace> Places { get; init; } = [];
}

/// <summary>For servers that queue and do not deliver (the demo): everything waits.</summary>
sealed class NoHandover : IQueueHandover
{
    internal static NoHandover Instance { get; } = new();

    public FreshMail? Reserve(IReadOnlyList<EmailAddress> recipients, EmailAddress? sender) => null;
    public void HandOver(FreshMail places, QueuedMessage message, IReadOnlyList<LeasedRecipient> leased) { }
    public void Abandon(FreshMail places) { }
    public void Wake() { }
}
