using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>
/// Messages in the order of their arrival, for what is made from them behind the delivery. Ids of an account rise with its
/// commits, so "all up to this id" is a place in that order that can be kept.
/// </summary>
public sealed class ArrivalScans
{
    static readonly SqlText Newest = new("SELECT id, change FROM accounts ORDER BY id");
    static readonly SqlText Next = new("""
        SELECT m.id, m.prefix, b.id, b.pack, b.start, b.length, b.hash, m.structure, m.received, m.trace
        FROM messages m JOIN blobs b ON b.id = m.blob_id WHERE m.id > $1 AND m.id < $2 ORDER BY m.id LIMIT $3
        """);
    static readonly SqlText Placed = new("SELECT DISTINCT message_id FROM placements WHERE message_id >= $1 AND message_id <= $2 ORDER BY message_id");
    static readonly SqlText CountAfter = new("SELECT COUNT(DISTINCT message_id) FROM placements WHERE message_id > $1 AND message_id < $2");

    readonly ReadUnit _unit;

    internal ArrivalScans(ReadUnit unit) => _unit = unit;

    /// <summary>An id below that of any message of the account.</summary>
    public static long Start(long accountId) => MessageIds.First(accountId);

    /// <summary>All accounts, by id, each with an id that no message of it is above now.</summary>
    public IReadOnlyList<(long AccountId, long Ceiling)> Ceilings() =>
        _unit.Session.Use(Newest).All(static r => (r.Int64(0), MessageIds.Make(r.Int64(0), r.Int64(1))));

    /// <summary>The next messages of an account after an id, at most so many.</summary>
    public IReadOnlyList<StoredMessage> After(long accountId, long messageId, int most) =>
        _unit.Session.Use(Next).Bind(1, messageId).Bind(2, MessageIds.First(accountId + 1)).Bind(3, (long)most).All(MailboxTables.Stored);

    /// <summary>How many messages of an account come after an id.</summary>
    public long Waiting(long accountId, long messageId) => _unit.Session.Use(CountAfter).Bind(1, messageId).Bind(2, MessageIds.First(accountId + 1)).Scalar() ?? 0;

    /// <summary>The ids from one to another that are still there, ascending.</summary>
    public IReadOnlyList<long> Living(long first, long last) => _unit.Session.Use(Placed).Bind(1, first).Bind(2, last).All(static r => r.Int64(0));
}
