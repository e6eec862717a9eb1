using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Posthorn.Storage.Events;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>Files, copies, moves, flags and removes messages, and keeps every counter right in the same transaction.</summary>
sealed class Placing(ReadUnit unit, ChangeLog log)
{
    static readonly SqlText CountMessage = new("""
        UPDATE accounts SET change = change + 1, used = used + $1, messages = messages + 1 WHERE id = $2 RETURNING change
        """);
    static readonly SqlText CountInMailbox = new("""
        UPDATE mailboxes SET uid_next = uid_next + 1, highest_modseq = $1, messages = messages + 1, unseen = unseen + $2, size = size + $3
        WHERE id = $4 AND account_id = $5 RETURNING uid_next, name, id
        """);
    static readonly SqlText CountInInbox = new("""
        UPDATE mailboxes SET uid_next = uid_next + 1, highest_modseq = $1, messages = messages + 1, unseen = unseen + $2, size = size + $3
        WHERE account_id = $4 AND name = 'INBOX' RETURNING uid_next, name, id
        """);
    static readonly SqlText InsertMessage = new("""
        INSERT INTO messages (id, blob_id, prefix, structure, received, size, trace, thread_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """);
    static readonly SqlText InsertPlacement = new("""
        INSERT INTO placements (mailbox_id, uid, message_id, flags, keywords, modseq, created, size, received, saved)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)
        """);
    static readonly SqlText OnePlacement = new("""
        SELECT uid, message_id, flags, keywords, size, received FROM placements WHERE mailbox_id = $1 AND uid = $2
        """);
    static readonly SqlText IsInMailbox = new("SELECT 1 FROM placements WHERE message_id = $1 AND mailbox_id = $2");
    static readonly SqlText DeletePlacement = new("DELETE FROM placements WHERE mailbox_id = $1 AND uid = $2");
    static readonly SqlText OtherPlace = new("SELECT 1 FROM placements WHERE message_id = $1 LIMIT 1");
    static readonly SqlText DeleteMessage = new("DELETE FROM messages WHERE id = $1 RETURNING blob_id, size, trace");
    static readonly SqlText MessageTrace = new("SELECT trace FROM messages WHERE id = $1");
    static readonly SqlText UncountAccount = new("UPDATE accounts SET used = used - $1, messages = messages - $2 WHERE id = $3");
    static readonly SqlText UncountMailbox = new("""
        UPDATE mailboxes SET highest_modseq = $1, messages = messages - $2, unseen = unseen - $3, size = size - $4 WHERE id = $5
        """);
    static readonly SqlText MailboxOf = new("SELECT 1 FROM mailboxes WHERE id = $1 AND account_id = $2");
    static readonly SqlText CopyMessage = new("""
        INSERT INTO messages (id, blob_id, prefix, structure, received, size, trace, thread_id)
        SELECT $1, blob_id, prefix, structure, received, size, trace, thread_id FROM messages WHERE id = $2
        """);
    static readonly SqlText CountBlob = new("UPDATE blobs SET refs = refs + 1 WHERE id = (SELECT blob_id FROM messages WHERE id = $1)");

    static readonly SqlText UncountBlobsOf = new("""
        UPDATE blobs SET refs = refs - (SELECT COUNT(*) FROM messages m WHERE m.blob_id = blobs.id AND m.id >= $1 AND m.id < $2)
        WHERE id IN (SELECT blob_id FROM messages WHERE id >= $1 AND id < $2)
        """);
    static readonly SqlText DeleteBlobsOf = new("DELETE FROM blobs WHERE refs <= 0 AND id IN (SELECT blob_id FROM messages WHERE id >= $1 AND id < $2)");
    static readonly SqlText DeleteMessagesOf = new("DELETE FROM messages WHERE id >= $1 AND id < $2");
    static readonly SqlText DeletePlacementsOf = new("DELETE FROM placements WHERE mailbox_id IN (SELECT id FROM mailboxes WHERE account_id = $1)");
    static readonly SqlText DeleteMailboxesOf = new("DELETE FROM mailboxes WHERE account_id = $1");
    static readonly SqlText DeleteChangesOf = new("DELETE FROM changes WHERE account_id = $1");

    /// <param name="accountId">Whose message it will be.</param>
    /// <param name="mailbox">Null: INBOX.</param>
    /// <param name="message">The message.</param>
    internal Filed Deliver(long accountId, long? mailbox, NewMessage message)
    {
        unit.Writing.Reference(message.Blob);
        var size = message.Prefix.Length + message.Blob.Length;
        var number = unit.Session.Use(CountMessage).Bind(1, size).Bind(2, accountId).Scalar()
            ?? throw new StoreException($"there is no account {accountId}");
        var id = MessageIds.Make(accountId, number);
        var received = message.Received.ToMicroseconds();
        unit.Session.Use(InsertMessage).Bind(1, id).Bind(2, message.Blob.BlobId).Bind(3, message.Prefix).Bind(4, message.Structure)
            .Bind(5, received).Bind(6, size).Bind(7, message.Trace.Value).Bind(8, unit.Threads.Join(accountId, id, message.Links)).Run();
        var keywords = message.Keywords.Count == 0 ? null : Keywords.Change(null, message.Keywords, null);
        var uid = Place(accountId, mailbox, id, number, message.Flags, keywords, size, received, out var name, out var mailboxId, out var state);
        log.Write(new Change(accountId, number, ChangeKind.Arrived, mailboxId, uid, id) { Place = state });
        unit.Events.Add(message.Trace, EventKind.Filed, accountId, FiledDetail(name, uid, message.For, message.Protocol));
        return new(id, uid, number);
    }

    /// <summary>The row in the mailbox, with the next UID, and the mailbox's counters.</summary>
    uint Place(long accountId, long? mailbox, long messageId, long number, MessageFlags flags, string? keywords, long size, long received, out string name, out long mailboxId, out PlaceState state)
    {
        uint uid;
        var saved = unit.Now;
        var count = unit.Session.Use(mailbox is null ? CountInInbox : CountInMailbox).Bind(1, number).Bind(2, Unseen(flags)).Bind(3, size);
        using (var row = mailbox is { } one ? count.Bind(4, one).Bind(5, accountId) : count.Bind(4, accountId))
        {
            if (!row.Step())
                throw mailbox is { } missing ? NoMailbox(accountId, missing) : new StoreException($"account {accountId} has no INBOX any more");
            // A UID is 32 bits (RFC 9051 §2.3.1.1); the one that is given is the one before the next.
            uid = checked((uint)row.Int64(0)) - 1;
            (name, mailboxId) = (row.Text(1), row.Int64(2));
        }
        unit.Session.Use(InsertPlacement).Bind(1, mailboxId).Bind(2, (long)uid).Bind(3, messageId).Bind(4, (long)flags).Bind(5, keywords)
            .Bind(6, number).Bind(7, size).Bind(8, received).Bind(9, saved).Run();
        state = new PlaceState(flags, keywords, size, Times.FromMicroseconds(received), Times.FromMicroseconds(saved));
        return uid;
    }

    internal int Expunge(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, string protocol)
    {
        var places = Find(accountId, mailboxId, uids);
        Remove(accountId, mailboxId, places, protocol);
        return places.Count;
    }

    internal List<Transferred> Copy(long accountId, long from, long to, IReadOnlyCollection<uint> uids) =>
        Transfer(accountId, from, to, Find(accountId, from, uids), moving: false);

    internal List<Transferred> Move(long accountId, long from, long to, IReadOnlyCollection<uint> uids, string protocol)
    {
        var places = Find(accountId, from, uids);
        var moved = Transfer(accountId, from, to, places, moving: true);
        Remove(accountId, from, places, protocol, moved: true);
        return moved;
    }

    List<Transferred> Transfer(long accountId, long from, long to, List<Spot> places, bool moving)
    {
        Demand(accountId, to);
        var done = new List<Transferred>(places.Count);
        if (places.Count == 0)
            return done;
        var number = log.Take(accountId, places.Count);
        foreach (var place in places)
        {
            var id = place.MessageId;
            var kind = ChangeKind.Placed;
            // JMAP knows a message at most once in a mailbox; a second copy there is a message of its own.
            if (!(moving && from == to) && unit.Session.Use(IsInMailbox).Bind(1, id).Bind(2, to).Scalar() is not null)
            {
                id = Duplicate(accountId, id, number, place.Size);
                kind = ChangeKind.Arrived;
            }
            var uid = Place(accountId, to, id, number, place.Flags, place.Keywords, place.Size, place.Received, out var name, out _, out var state);
            log.Write(new Change(accountId, number, kind, to, uid, id) { Place = state });
            if (moving)
                unit.Events.Add(TraceOf(place.MessageId), EventKind.Moved, accountId, FiledDetail(name, uid));
            done.Add(new(place.Uid, new(id, uid, number)));
            number++;
        }
        return done;
    }

    long Duplicate(long accountId, long messageId, long number, long size)
    {
        var id = MessageIds.Make(accountId, number);
        unit.Session.Use(CopyMessage).Bind(1, id).Bind(2, messageId).Run();
        unit.Session.Use(CountBlob).Bind(1, messageId).Run();
        unit.Session.Use(UncountAccount).Bind(1, -size).Bind(2, -1L).Bind(3, accountId).Run();
        return id;
    }

    void Remove(long accountId, long mailboxId, List<Spot> places, string protocol, bool moved = false)
    {
        if (places.Count == 0)
            return;
        var number = log.Take(accountId, places.Count);
        var last = number + places.Count - 1;
        var (unseen, size, gone, freed) = (0L, 0L, 0L, 0L);
        var detail = $$"""{"protocol":{{Json(protocol)}}}""";
        foreach (var place in places)
        {
            unit.Session.Use(DeletePlacement).Bind(1, mailboxId).Bind(2, (long)place.Uid).Run();
            unseen += Unseen(place.Flags);
            size += place.Size;
            var trace = RemoveIfHomeless(place.MessageId, out var octets);
            if (trace is not null)
                (gone, freed) = (gone + 1, freed + octets);
            log.Write(new Change(accountId, number++, ChangeKind.Expunged, mailboxId, place.Uid, place.MessageId));
            if (!moved)
                unit.Events.Add(trace ?? TraceOf(place.MessageId), EventKind.Deleted, accountId, detail);
        }
        unit.Session.Use(UncountMailbox).Bind(1, last).Bind(2, (long)places.Count).Bind(3, unseen).Bind(4, size).Bind(5, mailboxId).Run();
        if (gone > 0)
            unit.Session.Use(UncountAccount).Bind(1, freed).Bind(2, gone).Bind(3, accountId).Run();
    }

    /// <summary>Removes a message that is in no mailbox any more and lets its body go; its trace, or null when it lives on.</summary>
    TraceId? RemoveIfHomeless(long messageId, out long size)
    {
        size = 0;
        if (unit.Session.Use(OtherPlace).Bind(1, messageId).Scalar() is not null)
            return null;
        long blob, trace;
        using (var row = unit.Session.Use(DeleteMessage).Bind(1, messageId))
        {
            if (!row.Step())
                throw new StoreException($"message {messageId} is missing; run posthorn store verify");
            (blob, size, trace) = (row.Int64(0), row.Int64(1), row.Int64(2));
        }
        unit.Blobs.RemoveReference(blob);
        return new(trace);
    }

    internal FlagResult SetFlags(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, FlagChange change)
    {
        Demand(accountId, mailboxId);
        return new Flagging(unit, log, accountId, mailboxId, change).Run(uids);
    }

    /// <summary>Removes all that an account has, by sets.</summary>
    internal void RemoveAll(long accountId)
    {
        var (first, next) = (MessageIds.First(accountId), MessageIds.First(accountId + 1));
        unit.Session.Use(UncountBlobsOf).Bind(1, first).Bind(2, next).Run();
        unit.Session.Use(DeleteBlobsOf).Bind(1, first).Bind(2, next).Run();
        unit.Session.Use(DeleteMessagesOf).Bind(1, first).Bind(2, next).Run();
        unit.Session.Use(DeletePlacementsOf).Bind(1, accountId).Run();
        unit.Session.Use(DeleteMailboxesOf).Bind(1, accountId).Run();
        unit.Session.Use(DeleteChangesOf).Bind(1, accountId).Run();
    }

    List<Spot> Find(long accountId, long mailboxId, IReadOnlyCollection<uint> uids)
    {
        Demand(accountId, mailboxId);
        var places = new List<Spot>(uids.Count);
        foreach (var uid in uids.Distinct())
        {
            using var row = unit.Session.Use(OnePlacement).Bind(1, mailboxId).Bind(2, (long)uid);
            if (row.Step())
                places.Add(new((uint)row.Int64(0), row.Int64(1), (MessageFlags)row.Int64(2), row.TextOrNull(3), row.Int64(4), row.Int64(5)));
        }
        return places;
    }

    void Demand(long accountId, long mailboxId)
    {
        if (unit.Session.Use(MailboxOf).Bind(1, mailboxId).Bind(2, accountId).Scalar() is null)
            throw NoMailbox(accountId, mailboxId);
    }

    TraceId TraceOf(long messageId) => new(unit.Session.Use(MessageTrace).Bind(1, messageId).Scalar() ?? 0);

    static StoreException NoMailbox(long accountId, long mailboxId) => new($"account {accountId} has no mailbox {mailboxId}");

    static long Unseen(MessageFlags flags) => (flags & MessageFlags.Seen) == 0 ? 1 : 0;

    static string FiledDetail(string mailbox, uint uid, string? recipient = null, string? protocol = null) => recipient is null
        ? string.Create(CultureInfo.InvariantCulture, $"{{\"mailbox\":{Json(mailbox)},\"uid\":{uid}{(protocol is null ? "" : $",\"protocol\":{Json(protocol)}")}}}")
        : string.Create(CultureInfo.InvariantCulture, $"{{\"mailbox\":{Json(mailbox)},\"uid\":{uid},\"to\":{Json(recipient)}}}");

    static string Json(string text) => text == "INBOX" ? "\"INBOX\"" : $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    readonly record struct Spot(uint Uid, long MessageId, MessageFlags Flags, string? Keywords, long Size, long Received);
}
