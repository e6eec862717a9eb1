namespace Posthorn.Storage.Queue;

/// <summary>Claims and results. A result of somebody who lost his lease changes nothing and says false.</summary>
public sealed partial class QueueTables
{
    /// <summary>
    /// Claims those of the recipients that are still due: counts the attempt, sets owner, generation and both times. What it
    /// returns are all that this owner may work on; it is durable before anybody is dialled.
    /// </summary>
    public IReadOnlyList<LeasedRecipient> Claim(IReadOnlyList<long> recipients, QueueLease lease) => throw new NotImplementedException();

    /// <summary>The recipients that were queued as leased, in the order of <see cref="NewQueued.Recipients"/>, after <see cref="Add"/>.</summary>
    public IReadOnlyList<LeasedRecipient> LeasedOf(long messageId, string owner) => throw new NotImplementedException();

    /// <summary>Holds leases of this owner for longer. Returns the recipients that are still his.</summary>
    public IReadOnlyList<long> Renew(IReadOnlyList<LeasedRecipient> recipients, DateTimeOffset until) => throw new NotImplementedException();

    /// <summary>The peer has it. With the last open recipient the message lets go of its body.</summary>
    public bool Deliver(LeasedRecipient recipient, string reply) => throw new NotImplementedException();

    /// <summary>It will be tried again at <paramref name="due"/>.</summary>
    /// <param name="delayTold">True when its sender is told now that it is late.</param>
    public bool Defer(LeasedRecipient recipient, DateTimeOffset due, string reply, bool delayTold) => throw new NotImplementedException();

    /// <summary>It is given up.</summary>
    public bool Fail(LeasedRecipient recipient, string reply) => throw new NotImplementedException();

    /// <summary>It waits for somebody's word (the transport "hold").</summary>
    public bool Hold(LeasedRecipient recipient, string reply) => throw new NotImplementedException();

    /// <summary>Gives a claim back that led to no attempt: due again at once, the attempt is not counted.</summary>
    public bool GiveBack(LeasedRecipient recipient) => throw new NotImplementedException();

    /// <summary>Removes messages whose last recipient came to its end before this, at most so many; returns how many went.</summary>
    public int Forget(DateTimeOffset finishedBefore, int most) => throw new NotImplementedException();
}
