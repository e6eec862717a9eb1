using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>Gets one place of a scan; the value is valid during the call.</summary>
public delegate void PlaceVisitor(in Placement place);

/// <summary>What IMAP reads of a mailbox by the thousand, each in one statement.</summary>
public sealed class PlaceScans
{
    static readonly SqlText All = new("""
        SELECT uid, message_id, flags, keywords, modseq, created, size, received, saved
        FROM placements WHERE mailbox_id = $1 AND uid >= $2 ORDER BY uid
        """);
    static readonly SqlText Exactly = new("""
        SELECT uid, message_id, flags, keywords, modseq, created, size, received, saved
        FROM placements WHERE mailbox_id = $1 AND uid = $2
        """);
    static readonly SqlText StructuresBetween = new("""
        SELECT p.uid, m.id, m.structure, m.prefix FROM placements p JOIN messages m ON m.id = p.message_id
        WHERE p.mailbox_id = $1 AND p.uid >= $2 AND p.uid <= $3 ORDER BY p.uid
        """);
    static readonly SqlText DeletedOnes = new("SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM placements WHERE mailbox_id = $1 AND (flags & 8) <> 0");
    static readonly SqlText FromUid = new("SELECT COUNT(*) FROM placements WHERE mailbox_id = $1 AND uid >= $2");
    static readonly SqlText Recent = new("SELECT recent_uid FROM mailboxes WHERE id = $1");
    static readonly SqlText RaiseRecent = new("UPDATE mailboxes SET recent_uid = $1 WHERE id = $2 AND recent_uid < $1");

    readonly ReadUnit _unit;

    internal PlaceScans(ReadUnit unit) => _unit = unit;

    /// <summary>Shows all places of a mailbox from a UID on, in UID order.</summary>
    public void Scan(long mailboxId, uint fromUid, PlaceVisitor visit)
    {
        using var row = _unit.Session.Use(All).Bind(1, mailboxId).Bind(2, (long)fromUid);
        while (row.Step())
            visit(Place(row));
    }

    /// <summary>One place; null when it is not there.</summary>
    public Placement? Find(long mailboxId, uint uid)
    {
        using var row = _unit.Session.Use(Exactly).Bind(1, mailboxId).Bind(2, (long)uid);
        return row.Step() ? Place(row) : null;
    }

    /// <summary>The structures of the messages from one UID to another, by UID.</summary>
    public IReadOnlyList<PlacedStructure> Structures(long mailboxId, uint first, uint last) =>
        _unit.Session.Use(StructuresBetween).Bind(1, mailboxId).Bind(2, (long)first).Bind(3, (long)last)
            .All(static r => new PlacedStructure((uint)r.Int64(0), r.Int64(1), r.Bytes(2), r.Bytes(3)));

    /// <summary>How many messages are marked as deleted, and their octets (RFC 9208 §4.1.4).</summary>
    public (long Messages, long Octets) Deleted(long mailboxId)
    {
        using var row = _unit.Session.Use(DeletedOnes).Bind(1, mailboxId);
        row.Step();
        return (row.Int64(0), row.Int64(1));
    }

    /// <summary>How many messages have this UID or a higher one.</summary>
    public long CountFrom(long mailboxId, uint uid) => _unit.Session.Use(FromUid).Bind(1, mailboxId).Bind(2, (long)uid).Scalar() ?? 0;

    /// <summary>The first UID that nobody was told of as recent (RFC 3501 §2.3.2).</summary>
    public uint RecentFrom(long mailboxId) => (uint)(_unit.Session.Use(Recent).Bind(1, mailboxId).Scalar() ?? 1);

    /// <summary>Says that all below a UID are recent no more. No change that anybody is told of.</summary>
    public void TellRecent(long mailboxId, uint below) => _unit.Writing.Session.Use(RaiseRecent).Bind(1, (long)below).Bind(2, mailboxId).Run();

    static Placement Place(ISqlStatement r) => new((uint)r.Int64(0), r.Int64(1), (MessageFlags)r.Int64(2), r.TextOrNull(3), r.Int64(4), r.Int64(5), r.Int64(6),
        Times.FromMicroseconds(r.Int64(7)), Times.FromMicroseconds(r.Int64(8)));
}
