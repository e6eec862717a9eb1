using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Queue;

/// <summary>Claims and results. A result of somebody who lost his lease changes nothing and says false.</summary>
public sealed partial class QueueTables
{
    const string LeaseColumns = """
         id, message_id, address, original, notify, original_recipient, attempts, COALESCE(lease_owner, ''), lease_generation, delay_told, via
        """;

    // His who claimed it last, and only as long as nobody else did.
    const string StillHis = " WHERE id = $1 AND COALESCE(lease_owner, '') = $2 AND lease_generation = $3 AND state = 2";

    // The state is asked again here: of two who take up the same row one waits for the other's commit, and finds it taken.
    static readonly SqlText ClaimWaiting = new("""
        UPDATE queue_recipients SET state = 2, attempts = attempts + 1, lease_owner = $2, lease_generation = lease_generation + 1, lease_until = $3, due = $4
        WHERE id = $1 AND state = 1 RETURNING
        """ + LeaseColumns);
    static readonly SqlText LeasedOfMessage = new("SELECT" + LeaseColumns + " FROM queue_recipients WHERE message_id = $1 AND state = 2 AND lease_owner = $2 ORDER BY id");
    static readonly SqlText Prolong = new("UPDATE queue_recipients SET lease_until = $4" + StillHis);
    static readonly SqlText ToEnd = new("""
        UPDATE queue_recipients SET state = $4, last_reply = $5, finished = $6, lease_owner = NULL, lease_until = NULL
        """ + StillHis + " RETURNING message_id");
    static readonly SqlText ToLater = new("""
        UPDATE queue_recipients SET state = 1, due = $4, last_reply = $5, delay_told = COALESCE($6, delay_told), lease_owner = NULL, lease_until = NULL
        """ + StillHis);
    static readonly SqlText ToHold = new("""
        UPDATE queue_recipients SET state = 3, due = $4, last_reply = $5, lease_owner = NULL, lease_until = NULL
        """ + StillHis);
    static readonly SqlText Back = new("""
        UPDATE queue_recipients SET state = 1, due = $4, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END, lease_owner = NULL, lease_until = NULL
        """ + StillHis);
    static readonly SqlText OneEnded = new("""
        UPDATE queue_messages SET open = open - 1, finished = CASE WHEN open <= 1 THEN $2 END WHERE id = $1 AND finished IS NULL
        RETURNING CASE WHEN finished IS NULL THEN NULL ELSE blob_id END
        """);
    internal static readonly SqlText FinishedMessages = new("""
        SELECT m.id FROM queue_messages m
        WHERE m.finished < $1 AND NOT EXISTS (SELECT 1 FROM queue_recipients r WHERE r.message_id = m.id AND r.state NOT IN (4, 5, 6))
        ORDER BY m.finished LIMIT $2
        """);
    static readonly SqlText DeleteRecipients = new("DELETE FROM queue_recipients WHERE message_id = $1");
    static readonly SqlText DeleteMessage = new("DELETE FROM queue_messages WHERE id = $1");

    /// <summary>
    /// Claims those of the recipients that are still due: counts the attempt, sets owner, generation and both times. What it
    /// returns are all that this owner may work on; it is durable before anybody is dialled.
    /// </summary>
    public IReadOnlyList<LeasedRecipient> Claim(IReadOnlyList<long> recipients, QueueLease lease)
    {
        var claimed = new List<LeasedRecipient>(recipients.Count);
        foreach (var id in recipients)
            if (Claim(ClaimWaiting, id, lease) is { } one)
                claimed.Add(one);
        return claimed;
    }

    LeasedRecipient? Claim(SqlText claim, long id, QueueLease lease) => _unit.Session.Use(claim).Bind(1, id).Bind(2, lease.Owner)
        .Bind(3, lease.Until.ToMicroseconds()).Bind(4, lease.RetryAt.ToMicroseconds()).One(Lease);

    /// <summary>The recipients that were queued as leased, in the order of <see cref="NewQueued.Recipients"/>, after <see cref="Add(NewQueued)"/>.</summary>
    public IReadOnlyList<LeasedRecipient> LeasedOf(long messageId, string owner) => _unit.Session.Use(LeasedOfMessage).Bind(1, messageId).Bind(2, owner).All(Lease);

    static LeasedRecipient Lease(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), r.Text(3), r.TextOrNull(4), r.TextOrNull(5), Attempts(r.Int64(6)),
        r.Text(7), r.Int64(8), r.Int64OrNull(9) is { } told ? Times.FromMicroseconds(told) : null, r.TextOrNull(10));

    /// <summary>Holds leases of this owner for longer. Returns the recipients that are still his.</summary>
    public IReadOnlyList<long> Renew(IReadOnlyList<LeasedRecipient> recipients, DateTimeOffset until)
    {
        var his = new List<long>(recipients.Count);
        foreach (var recipient in recipients)
            if (Result(Prolong, recipient).Bind(4, until.ToMicroseconds()).Run() > 0)
                his.Add(recipient.Id);
        return his;
    }

    /// <summary>The peer has it. With the last open recipient the message lets go of its body.</summary>
    public bool Deliver(LeasedRecipient recipient, string reply) => End(recipient, RecipientState.Delivered, reply);

    /// <summary>It will be tried again at <paramref name="due"/>.</summary>
    /// <param name="delayTold">True when its sender is told now that it is late.</param>
    public bool Defer(LeasedRecipient recipient, DateTimeOffset due, string reply, bool delayTold) =>
        Result(ToLater, recipient).Bind(4, due.ToMicroseconds()).Bind(5, reply).Bind(6, delayTold ? _unit.Now : null).Run() > 0;

    /// <summary>It is given up.</summary>
    public bool Fail(LeasedRecipient recipient, string reply) => End(recipient, RecipientState.Failed, reply);

    /// <summary>It waits for somebody's word (the transport "hold").</summary>
    public bool Hold(LeasedRecipient recipient, string reply) => Result(ToHold, recipient).Bind(4, _unit.Now).Bind(5, reply).Run() > 0;

    /// <summary>Gives a claim back that led to no attempt: due again at once, the attempt is not counted.</summary>
    public bool GiveBack(LeasedRecipient recipient) => Result(Back, recipient).Bind(4, _unit.Now).Run() > 0;

    ISqlStatement Result(SqlText result, LeasedRecipient of) => _unit.Session.Use(result).Bind(1, of.Id).Bind(2, of.Owner).Bind(3, of.Generation);

    bool End(LeasedRecipient recipient, RecipientState state, string reply)
    {
        if (Result(ToEnd, recipient).Bind(4, (long)state).Bind(5, reply).Bind(6, _unit.Now).Scalar() is not { } message)
            return false;
        Ended(message);
        return true;
    }

    /// <summary>One recipient fewer is open; with the last the body is let go.</summary>
    void Ended(long messageId)
    {
        if (_unit.Session.Use(OneEnded).Bind(1, messageId).Bind(2, _unit.Now).Scalar() is { } body)
            _unit.Blobs.RemoveReference(body);
    }

    /// <summary>Removes messages whose last recipient came to its end before this, at most so many; returns how many went.</summary>
    public int Forget(DateTimeOffset finishedBefore, int most)
    {
        var old = _unit.Session.Use(FinishedMessages).Bind(1, finishedBefore.ToMicroseconds()).Bind(2, (long)most).All(static r => r.Int64(0));
        foreach (var id in old)
        {
            _unit.Session.Use(DeleteRecipients).Bind(1, id).Run();
            _unit.Session.Use(DeleteMessage).Bind(1, id).Run();
        }
        return old.Count;
    }
}
