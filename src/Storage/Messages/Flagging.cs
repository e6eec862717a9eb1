using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>
/// One change of flags in a mailbox. \Deleted is about the one place: clients move by copying and deleting (RFC 9051 §6.4.7).
/// The rest is about the message, in all its places.
/// </summary>
sealed class Flagging(ReadUnit unit, ChangeLog log, long accountId, long mailboxId, FlagChange change)
{
    /// <summary>Messages from which on rows are changed by one statement where that can be.</summary>
    const int Many = 32;

    /// <summary>Numbers, or rows of an index, that may be passed over for each message that is meant.</summary>
    const int MostPassed = 8;

    static readonly SqlText Between = new("""
        SELECT uid, message_id, flags, keywords, size, received, modseq, saved FROM placements WHERE mailbox_id = $1 AND uid >= $2 AND uid <= $3 ORDER BY uid
        """);
    static readonly SqlText CountBetween = new("SELECT COUNT(*) FROM placements WHERE mailbox_id = $1 AND uid >= $2 AND uid <= $3");
    static readonly SqlText ElsewhereBetween = new("""
        SELECT p.uid, q.mailbox_id, q.uid, q.flags, q.keywords, q.size, q.received, q.saved FROM placements p JOIN placements q ON q.message_id = p.message_id
        WHERE p.mailbox_id = $1 AND p.uid >= $2 AND p.uid <= $3 AND (q.mailbox_id <> p.mailbox_id OR q.uid <> p.uid)
        """);
    static readonly SqlText PlacesBetween = new("SELECT COUNT(*) FROM (SELECT 1 FROM placements WHERE message_id >= $1 AND message_id <= $2 LIMIT $3) AS found");
    static readonly SqlText SharedBetween = new("""
        SELECT message_id FROM placements WHERE message_id >= $1 AND message_id <= $2 GROUP BY message_id HAVING COUNT(*) > 1 LIMIT 1
        """);
    static readonly SqlText UpdateOne = new("UPDATE placements SET flags = $1, keywords = $2, modseq = $3 WHERE mailbox_id = $4 AND uid = $5");
    // A number for each UID of the range, so that no order has to be found first; those of rows left alone are never used.
    static readonly SqlText UpdateMany = new("""
        UPDATE placements SET flags = (flags & $1) | $2, modseq = $3 + uid WHERE mailbox_id = $4 AND uid >= $5 AND uid <= $6 AND ((flags & $1) | $2) <> flags
        """);
    static readonly SqlText LogMany = new("""
        INSERT INTO changes (account_id, number, kind, mailbox_id, uid, message_id)
        SELECT $1, modseq, 2, mailbox_id, uid, message_id FROM placements WHERE mailbox_id = $2 AND uid >= $3 AND uid <= $4 AND modseq >= $5
        """);
    static readonly SqlText CountUnseen = new("UPDATE mailboxes SET highest_modseq = $1, unseen = unseen + $2 WHERE id = $3");

    readonly List<Due> _due = [], _elsewhere = []; // what was asked for, in the order of UIDs, and what comes of it in other places
    Dictionary<uint, Due>? _meant; // what is due, by UID
    readonly List<uint> _changed = [], _refused = [];
    readonly List<long> _former = [];
    readonly Dictionary<long, (long Unseen, long Last)> _counted = [];
    bool _passed; // a message between others that nobody asked for

    /// <summary>One place whose flags are to change.</summary>
    readonly record struct Due(long Mailbox, uint Uid, long MessageId, MessageFlags Before, MessageFlags Flags, string? Keywords, long Size, long Received, long Saved);

    internal FlagResult Run(IReadOnlyCollection<uint> uids)
    {
        if (uids.Count == 0) return new(0, 0, _changed, _refused);
        var sorted = Sorted(uids);
        _due.EnsureCapacity(sorted.Length);
        Look(sorted);
        if (_due.Count == 0) return new(0, 0, _changed, _refused);
        // One statement changes all rows between two UIDs, so each of them must be meant.
        var range = _refused.Count == 0 && !_passed && IsOfFlagsAlone && _elsewhere.Count == 0 && _due.Count >= Many
            && _due[^1].Uid - _due[0].Uid < (uint)_due.Count * MostPassed;
        var numbers = range ? (int)(_due[^1].Uid - _due[0].Uid) + 1 : _due.Count;
        var first = log.Take(accountId, numbers + _elsewhere.Count);
        if (range) ByOneStatement(first);
        else OneByOne(first);
        foreach (var (mailbox, (unseen, last)) in _counted)
            unit.Session.Use(CountUnseen).Bind(1, last).Bind(2, unseen).Bind(3, mailbox).Run();
        return new(first, first + numbers - 1, _changed, _refused) { Former = _former };
    }

    static uint[] Sorted(IReadOnlyCollection<uint> uids)
    {
        uint[] given = [.. uids];
        for (var i = 1; i < given.Length; i++)
            if (given[i - 1] >= given[i]) return [.. given.Distinct().Order()];
        return given;
    }

    /// <summary>True when most messages between the first and the last of these UIDs are meant: then all are read at once.</summary>
    bool IsDense(uint[] sorted) => sorted[^1] - sorted[0] < sorted.Length
        || unit.Session.Use(CountBetween).Bind(1, mailboxId).Bind(2, (long)sorted[0]).Bind(3, (long)sorted[^1]).Scalar() <= 2L * sorted.Length;

    bool IsOfFlagsAlone => !change.Replace && change.AddKeywords.Count == 0 && change.RemoveKeywords.Count == 0;

    /// <summary>Finds what is to change, in this mailbox and in the other places of its messages.</summary>
    void Look(uint[] asked)
    {
        if (IsDense(asked))
        {
            var seen = Look(asked[0], asked[^1], asked);
            if (_due.Count > 0 && !AreHereAlone(seen)) LookElsewhere(asked[0], asked[^1]);
            return;
        }
        // Nobody has looked at what lies between them.
        _passed = true;
        foreach (var uid in asked) Look(uid, uid, [uid]);
        for (var i = 0; i < _due.Count; i++) LookElsewhere(_due[i].Uid, _due[i].Uid);
    }

    /// <summary>Reads the rows between two UIDs; returns the ids of all their messages.</summary>
    IdRange Look(uint first, uint last, uint[] asked)
    {
        var seen = new IdRange();
        using var row = unit.Session.Use(Between).Bind(1, mailboxId).Bind(2, (long)first).Bind(3, (long)last);
        for (var next = 0; row.Step();)
        {
            seen.Add(row.Int64(1));
            var uid = (uint)row.Int64(0);
            while (next < asked.Length && asked[next] < uid) next++;
            if (next == asked.Length || asked[next] != uid) _passed = true;
            else if (change.UnchangedSince < row.Int64(6)) _refused.Add(uid);
            else Add(row, uid);
        }
        return seen;
    }

    void Add(ISqlStatement row, uint uid)
    {
        var (before, words) = ((MessageFlags)row.Int64(2), row.TextOrNull(3));
        var free = (change.Replace ? MessageFlags.None : before & ~change.Remove) | change.Add;
        var flags = free & change.May | before & ~change.May;
        var keywords = !change.MayKeywords ? words : Keywords.Change(change.Replace ? null : words, change.AddKeywords, change.RemoveKeywords);
        if (flags == before && keywords == words) return;
        _changed.Add(uid);
        _former.Add(row.Int64(6));
        _due.Add(new(mailboxId, uid, row.Int64(1), before, flags, keywords, row.Int64(4), row.Int64(5), row.Int64(7)));
    }

    /// <summary>
    /// True when it is certain that none of many messages has another place. Their ids lie side by side in an index, so that
    /// counting what is there between the lowest and the highest is much less work than to ask for each.
    /// </summary>
    bool AreHereAlone(IdRange seen)
    {
        if (_due.Count < Many) return false;
        var most = (long)_due.Count * MostPassed;
        var places = unit.Session.Use(PlacesBetween).Bind(1, seen.Lowest).Bind(2, seen.Highest).Bind(3, most).Scalar();
        // A mailbox has a message once.
        return places == seen.Count || places < most && unit.Session.Use(SharedBetween).Bind(1, seen.Lowest).Bind(2, seen.Highest).Scalar() is null;
    }

    void LookElsewhere(uint first, uint last)
    {
        _meant ??= _due.ToDictionary(static d => d.Uid);
        using var place = unit.Session.Use(ElsewhereBetween).Bind(1, mailboxId).Bind(2, (long)first).Bind(3, (long)last);
        while (place.Step())
        {
            if (!_meant.TryGetValue((uint)place.Int64(0), out var here)) continue;
            var others = (MessageFlags)place.Int64(3);
            var both = here.Flags & ~MessageFlags.Deleted | others & MessageFlags.Deleted;
            if (both != others || place.TextOrNull(4) != here.Keywords)
                _elsewhere.Add(new(place.Int64(1), (uint)place.Int64(2), here.MessageId, others, both, here.Keywords, place.Int64(5), place.Int64(6), place.Int64(7)));
        }
    }

    void OneByOne(long number)
    {
        // What was asked for has the first numbers.
        foreach (var one in _due.Concat(_elsewhere))
        {
            unit.Session.Use(UpdateOne).Bind(1, (long)one.Flags).Bind(2, one.Keywords).Bind(3, number).Bind(4, one.Mailbox).Bind(5, (long)one.Uid).Run();
            log.Write(Count(one, number++));
        }
    }

    void ByOneStatement(long first)
    {
        var (from, to) = (_due[0].Uid, _due[^1].Uid);
        var below = first - from;
        unit.Session.Use(UpdateMany).Bind(1, ~(long)(change.Remove & change.May)).Bind(2, (long)(change.Add & change.May)).Bind(3, below).Bind(4, mailboxId)
            .Bind(5, (long)from).Bind(6, (long)to).Run();
        unit.Session.Use(LogMany).Bind(1, accountId).Bind(2, mailboxId).Bind(3, (long)from).Bind(4, (long)to).Bind(5, first).Run();
        unit.Writing.Changes.EnsureCapacity(unit.Writing.Changes.Count + _due.Count);
        foreach (var one in _due)
            unit.Writing.Note(Count(one, below + one.Uid));
    }

    Change Count(in Due one, long number)
    {
        _counted[one.Mailbox] = (_counted.GetValueOrDefault(one.Mailbox).Unseen + Unseen(one.Flags) - Unseen(one.Before), number);
        return new Change(accountId, number, ChangeKind.Flags, one.Mailbox, one.Uid, one.MessageId)
        {
            Place = new PlaceState(one.Flags, one.Keywords, one.Size, Times.FromMicroseconds(one.Received), Times.FromMicroseconds(one.Saved)),
        };
    }

    static long Unseen(MessageFlags flags) => (flags & MessageFlags.Seen) == 0 ? 1 : 0;

    /// <summary>The message ids of rows as they come.</summary>
    struct IdRange()
    {
        internal long Lowest { get; private set; } = long.MaxValue;
        internal long Highest { get; private set; } = long.MinValue;
        internal int Count { get; private set; }

        internal void Add(long id) => (Lowest, Highest, Count) = (Math.Min(Lowest, id), Math.Max(Highest, id), Count + 1);
    }
}
