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

    static readonly SqlText Between = new("""
        SELECT uid, message_id, flags, keywords, size, received, modseq, saved FROM placements WHERE mailbox_id = $1 AND uid >= $2 AND uid <= $3 ORDER BY uid
        """);
    static readonly SqlText CountBetween = new("SELECT COUNT(*) FROM placements WHERE mailbox_id = $1 AND uid >= $2 AND uid <= $3");
    static readonly SqlText ElsewhereBetween = new("""
        SELECT p.uid, q.mailbox_id, q.uid, q.flags, q.keywords, q.size, q.received, q.saved FROM placements p JOIN placements q ON q.message_id = p.message_id
        WHERE p.mailbox_id = $1 AND p.uid >= $2 AND p.uid <= $3 AND (q.mailbox_id <> p.mailbox_id OR q.uid <> p.uid)
        """);
    static readonly SqlText UpdateOne = new("UPDATE placements SET flags = $1, keywords = $2, modseq = $3 WHERE mailbox_id = $4 AND uid = $5");
    static readonly SqlText UpdateMany = new("""
        UPDATE placements SET flags = (flags & $1) | $2, modseq = x.number FROM
        (SELECT uid AS changed, $3 + ROW_NUMBER() OVER (ORDER BY uid) AS number FROM placements
         WHERE mailbox_id = $4 AND uid >= $5 AND uid <= $6 AND ((flags & $1) | $2) <> flags) x
        WHERE mailbox_id = $4 AND uid = x.changed
        """);
    static readonly SqlText LogMany = new("""
        INSERT INTO changes (account_id, number, kind, mailbox_id, uid, message_id)
        SELECT $1, modseq, 2, mailbox_id, uid, message_id FROM placements WHERE mailbox_id = $2 AND uid >= $3 AND uid <= $4 AND modseq >= $5
        """);
    static readonly SqlText CountUnseen = new("UPDATE mailboxes SET highest_modseq = $1, unseen = unseen + $2 WHERE id = $3");

    readonly List<Due> _due = [];
    readonly List<uint> _changed = [], _refused = [];
    readonly List<long> _former = [];
    readonly Dictionary<long, (long Unseen, long Last)> _counted = [];
    bool _passed; // a message between others that nobody asked for

    /// <summary>One place whose flags are to change.</summary>
    readonly record struct Due(long Mailbox, uint Uid, long MessageId, MessageFlags Before, MessageFlags Flags, string? Keywords, long Size, long Received, long Saved);

    internal FlagResult Run(IReadOnlyCollection<uint> uids)
    {
        if (uids.Count == 0) return new(0, 0, _changed, _refused);
        uint[] sorted = [.. uids.Distinct().Order()];
        if (unit.Session.Use(CountBetween).Bind(1, mailboxId).Bind(2, (long)sorted[0]).Bind(3, (long)sorted[^1]).Scalar() <= 2L * sorted.Length)
            Look(sorted[0], sorted[^1], sorted);
        else
        {
            _passed = true;
            foreach (var uid in sorted) Look(uid, uid, sorted);
        }
        if (_due.Count == 0) return new(0, 0, _changed, _refused);
        var first = log.Take(accountId, _due.Count);
        // One statement changes all rows between two UIDs, so each of them must be meant.
        var range = _refused.Count == 0 && !_passed && IsOfFlagsAlone && _due.Count >= Many && _due.TrueForAll(d => d.Mailbox == mailboxId);
        if (range) ByOneStatement(first, sorted[0], sorted[^1]);
        else OneByOne(first);
        foreach (var (mailbox, (unseen, last)) in _counted)
            unit.Session.Use(CountUnseen).Bind(1, last).Bind(2, unseen).Bind(3, mailbox).Run();
        return new(first, first + _due.Count - 1, _changed, _refused) { Former = _former };
    }

    bool IsOfFlagsAlone => !change.Replace && change.AddKeywords.Count == 0 && change.RemoveKeywords.Count == 0;

    /// <summary>Finds what is to change between two UIDs, in this mailbox and in the other places of its messages.</summary>
    void Look(uint first, uint last, uint[] asked)
    {
        var wanted = new Dictionary<uint, (MessageFlags Flags, string? Keywords, long MessageId)>();
        using (var row = unit.Session.Use(Between).Bind(1, mailboxId).Bind(2, (long)first).Bind(3, (long)last))
            while (row.Step())
            {
                var uid = (uint)row.Int64(0);
                if (Array.BinarySearch(asked, uid) < 0)
                {
                    _passed = true;
                    continue;
                }
                if (change.UnchangedSince < row.Int64(6))
                {
                    _refused.Add(uid);
                    continue;
                }
                var (before, words) = ((MessageFlags)row.Int64(2), row.TextOrNull(3));
                var free = (change.Replace ? MessageFlags.None : before & ~change.Remove) | change.Add;
                var flags = free & change.May | before & ~change.May;
                var keywords = !change.MayKeywords ? words : Keywords.Change(change.Replace ? null : words, change.AddKeywords, change.RemoveKeywords);
                if (flags == before && keywords == words)
                    continue;
                _changed.Add(uid);
                _former.Add(row.Int64(6));
                wanted.Add(uid, (flags, keywords, row.Int64(1)));
                _due.Add(new(mailboxId, uid, row.Int64(1), before, flags, keywords, row.Int64(4), row.Int64(5), row.Int64(7)));
            }
        if (wanted.Count == 0)
            return;
        using var place = unit.Session.Use(ElsewhereBetween).Bind(1, mailboxId).Bind(2, (long)first).Bind(3, (long)last);
        while (place.Step())
        {
            if (!wanted.TryGetValue((uint)place.Int64(0), out var here))
                continue;
            var others = (MessageFlags)place.Int64(3);
            var both = here.Flags & ~MessageFlags.Deleted | others & MessageFlags.Deleted;
            if (both != others || place.TextOrNull(4) != here.Keywords)
                _due.Add(new(place.Int64(1), (uint)place.Int64(2), here.MessageId, others, both, here.Keywords, place.Int64(5), place.Int64(6), place.Int64(7)));
        }
    }

    void OneByOne(long number)
    {
        foreach (var one in _due)
        {
            unit.Session.Use(UpdateOne).Bind(1, (long)one.Flags).Bind(2, one.Keywords).Bind(3, number).Bind(4, one.Mailbox).Bind(5, (long)one.Uid).Run();
            log.Write(Count(one, number++));
        }
    }

    void ByOneStatement(long first, uint from, uint to)
    {
        unit.Session.Use(UpdateMany).Bind(1, ~(long)(change.Remove & change.May)).Bind(2, (long)(change.Add & change.May)).Bind(3, first - 1).Bind(4, mailboxId)
            .Bind(5, (long)from).Bind(6, (long)to).Run();
        unit.Session.Use(LogMany).Bind(1, accountId).Bind(2, mailboxId).Bind(3, (long)from).Bind(4, (long)to).Bind(5, first).Run();
        foreach (var one in _due)
            unit.Writing.Note(Count(one, first++));
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
}
