using Posthorn.Delivery.Outbound;
using Posthorn.Storage.Queue;

namespace Posthorn.Delivery.Dsn;

/// <summary>Why a queued message's sender is written to.</summary>
enum NoticeReason { Failed, Delayed, Delivered }

/// <summary>One recipient of a queued message that there is something to tell about.</summary>
/// <param name="TryUntil">Of a delayed one: when it will be given up.</param>
/// <param name="Expired">Of a failed one: true when it was given up for its age, and <paramref name="Result"/> is what the last attempt met.</param>
readonly record struct ToldRecipient(RecipientResult Result, NoticeReason Reason, DateTimeOffset TryUntil, bool Expired);

/// <summary>
/// Makes the notices about queued messages: who is to be told (NOTIFY, null sender, trust), what (RET, ENVID, ORCPT), and
/// where it goes. The result is filed in the store unit that writes what it tells, so that both are there or neither.
/// </summary>
public sealed class NoticeMaker
{
    /// <summary>
    /// The notice for these recipients of one message, sealed, or null when nobody is to be told. A message of the null
    /// sender that failed is told to the postmaster here, once (double bounce). It reads the message's header, or all of it
    /// for RET=FULL, from the store.
    /// </summary>
    internal ValueTask<NoticeFiling?> MakeAsync(QueuedMessage message, IReadOnlyList<ToldRecipient> recipients, CancellationToken ct) => throw new NotImplementedException();
}
