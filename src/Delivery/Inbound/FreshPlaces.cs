using Posthorn.Accounts;
using Posthorn.Delivery.Queue;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>The places that the queue holds for recipients of a message that is coming in, by target.</summary>
/// <param name="Mail">The places.</param>
/// <param name="Index">Of each target its index among those asked about; -1 for the others.</param>
sealed record FreshPlaces(FreshMail Mail, int[] Index)
{
    internal bool IsNow(int target) => Index[target] is >= 0 and var i && Mail.Now[i];

    /// <summary>
    /// Asks for places for those that go to other hosts as they came; null when there are none. What is forwarded for others
    /// has another reverse-path, by which routes may go, and waits for the scheduler.
    /// </summary>
    internal static FreshPlaces? For(Recipients recipients, EmailAddress? sender, RecipientState state, IQueueHandover queue)
    {
        if (state != RecipientState.Due) return null;
        List<EmailAddress>? foreign = null;
        int[]? index = null;
        for (var i = 0; i < recipients.Targets.Count; i++)
        {
            var target = recipients.Targets[i];
            if (target.Looped || target.Destination is not Destination.Foreign { ForwardedBy: null } there) continue;
            if (index is null) Array.Fill(index = new int[recipients.Targets.Count], -1);
            index[i] = (foreign ??= new(1)).Count;
            foreign.Add(there.Address);
        }
        return foreign is not null && queue.Reserve(foreign, sender) is { } mail ? new FreshPlaces(mail, index!) : null;
    }
}
