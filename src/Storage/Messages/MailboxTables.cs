using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>Mailboxes, messages and the change log of accounts. Every method takes the account, and sees only its rows.</summary>
public sealed class MailboxTables
{
    const string Inbox = "INBOX";

    static readonly SqlText Insert = new("""
        INSERT INTO mailboxes (account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed)
        VALUES ($1, $2, $3, $4, 1, $5, 0, 0, 0, $6)
        RETURNING id, account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed
        """);
    // Seconds of the clock where they are higher, so that an account made anew does not repeat its predecessor's values.
    static readonly SqlText NextUidValidity = new("""
        UPDATE accounts SET uid_validity = CASE WHEN uid_validity >= $1 THEN uid_validity + 1 ELSE $1 END
        WHERE id = $2 RETURNING uid_validity
        """);
    static readonly SqlText ByName = new("""
        SELECT id, account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed
        FROM mailboxes WHERE account_id = $1 AND name = $2
        """);
    static readonly SqlText ById = new("""
        SELECT id, account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed
        FROM mailboxes WHERE id = $1 AND account_id = $2
        """);
    static readonly SqlText OfAccount = new("""
        SELECT id, account_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen, size, subscribed
        FROM mailboxes WHERE account_id = $1 ORDER BY name
        """);
    static readonly SqlText SetName = new("UPDATE mailboxes SET name = $1, uid_validity = $2, highest_modseq = $3 WHERE id = $4");
    static readonly SqlText SetSubscribed = new("UPDATE mailboxes SET subscribed = $1, highest_modseq = $2 WHERE id = $3");
    static readonly SqlText SetNumber = new("UPDATE mailboxes SET highest_modseq = $1 WHERE id = $2");
    static readonly SqlText ChangeRole = new("UPDATE mailboxes SET role = $1, highest_modseq = $2 WHERE id = $3");
    static readonly SqlText Delete = new("DELETE FROM mailboxes WHERE id = $1");
    static readonly SqlText Drop = new("SELECT uid, message_id, size FROM placements WHERE mailbox_id = $1 ORDER BY uid");
    static readonly SqlText Uids = new("SELECT uid FROM placements WHERE mailbox_id = $1 ORDER BY uid");
    static readonly SqlText Places = new("""
        SELECT uid, message_id, flags, keywords, modseq, created, size, received, saved
        FROM placements WHERE mailbox_id = $1 AND uid >= $2 ORDER BY uid LIMIT $3
        """);
    static readonly SqlText Message = new("""
        SELECT m.id, m.prefix, b.id, b.pack, b.start, b.length, b.hash, m.structure, m.received, m.trace
        FROM messages m JOIN blobs b ON b.id = m.blob_id WHERE m.id = $1
        """);
    static readonly SqlText ChangeNumber = new("SELECT change FROM accounts WHERE id = $1");

    readonly ReadUnit _unit;
    readonly Placing _placing;
    readonly ChangeLog _log;
    readonly MailboxBranches _branches;

    internal MailboxTables(ReadUnit unit)
    {
        _unit = unit;
        _log = new ChangeLog(unit);
        _placing = new Placing(unit, _log);
        _branches = new MailboxBranches(unit, _log);
    }

    /// <summary>
    /// Makes a mailbox; throws <see cref="StoreException"/> when the name is taken. One whose name is subscribed to already is
    /// subscribed in any case.
    /// </summary>
    public Mailbox Create(long accountId, string name, MailboxRole role = MailboxRole.None, bool subscribed = true)
    {
        name = Canonical(name);
        if (Find(accountId, name) is not null)
            throw new StoreException($"mailbox {name} is already there");
        subscribed |= _unit.Subscriptions.Remove(accountId, name);
        var number = _log.Take(accountId, 1);
        var mailbox = _unit.Session.Use(Insert).Bind(1, accountId).Bind(2, name).Bind(3, (long)role).Bind(4, TakeUidValidity(accountId))
            .Bind(5, number).Bind(6, subscribed ? 1L : 0L).One(Row)!;
        _log.Write(new Change(accountId, number, ChangeKind.MailboxCreated, mailbox.Id, 0, 0));
        return mailbox;
    }

    public Mailbox? Find(long accountId, string name) => _unit.Session.Use(ByName).Bind(1, accountId).Bind(2, Canonical(name)).One(Row);

    public Mailbox? Get(long accountId, long mailboxId) => _unit.Session.Use(ById).Bind(1, mailboxId).Bind(2, accountId).One(Row);

    public IReadOnlyList<Mailbox> List(long accountId) => _unit.Session.Use(OfAccount).Bind(1, accountId).All(Row);

    /// <summary>
    /// Renames one mailbox (not those below it). It gets a new UIDVALIDITY, since the old name may come back with other
    /// messages and the new name may have had others (RFC 9051 §6.3.6). Subscriptions are to names: that to the old one stays
    /// there, and the mailbox is subscribed if somebody had subscribed to the new one.
    /// </summary>
    public Mailbox RenameMailbox(long accountId, long mailboxId, string name)
    {
        name = Canonical(name);
        var old = Demand(accountId, mailboxId);
        if (Find(accountId, name) is not null)
            throw new StoreException($"mailbox {name} is already there");
        if (old.Subscribed) _unit.Subscriptions.Add(accountId, old.Name);
        var subscribed = _unit.Subscriptions.Remove(accountId, name);
        var number = _log.Take(accountId, 1);
        _unit.Session.Use(SetName).Bind(1, name).Bind(2, TakeUidValidity(accountId)).Bind(3, number).Bind(4, mailboxId).Run();
        if (subscribed != old.Subscribed) _unit.Session.Use(SetSubscribed).Bind(1, subscribed ? 1L : 0L).Bind(2, number).Bind(3, mailboxId).Run();
        _log.Write(new Change(accountId, number, ChangeKind.MailboxRenamed, mailboxId, 0, 0));
        return Get(accountId, mailboxId)!;
    }

    /// <summary>True when the name of any mailbox begins so.</summary>
    public bool AnyWithPrefix(long accountId, string prefix) => _branches.Any(accountId, prefix);

    /// <summary>The mailboxes whose names begin so, by name.</summary>
    public IReadOnlyList<(long Id, string Name)> WithPrefix(long accountId, string prefix) => _branches.List(accountId, prefix);

    /// <summary>As <see cref="RenameMailbox"/>, for many at once, none of whose new names may be taken.</summary>
    public void RenameMailboxes(long accountId, IReadOnlyList<(long Id, string Name)> names) => _branches.Rename(accountId, names);

    /// <summary>Gives a mailbox another role (RFC 6154). Throws <see cref="StoreException"/> when another one has it.</summary>
    public void SetRole(long accountId, long mailboxId, MailboxRole role)
    {
        Demand(accountId, mailboxId);
        if (role != MailboxRole.None && List(accountId).Any(m => m.Role == role && m.Id != mailboxId))
            throw new StoreException($"account {accountId} has a mailbox of role {role} already");
        var number = _log.Take(accountId, 1);
        _unit.Session.Use(ChangeRole).Bind(1, (long)role).Bind(2, number).Bind(3, mailboxId).Run();
        _log.Write(new Change(accountId, number, ChangeKind.MailboxChanged, mailboxId, 0, 0));
    }

    /// <summary>Removes a mailbox with its messages. A subscription to its name stays.</summary>
    public void DeleteMailbox(long accountId, long mailboxId, string protocol)
    {
        if (Demand(accountId, mailboxId) is { Subscribed: true } gone)
            _unit.Subscriptions.Add(accountId, gone.Name);
        uint[] all = [.. _unit.Session.Use(Uids).Bind(1, mailboxId).All(static r => (uint)r.Int64(0))];
        _placing.Expunge(accountId, mailboxId, all, protocol);
        _unit.Session.Use(Delete).Bind(1, mailboxId).Run();
        _unit.Rights.RemoveMailbox(mailboxId);
        _unit.Annotations.RemoveMailbox(mailboxId);
        _unit.UrlKeys.RemoveMailbox(mailboxId);
        _log.Write(new Change(accountId, _log.Take(accountId, 1), ChangeKind.MailboxDeleted, mailboxId, 0, 0));
    }

    public void Subscribe(long accountId, long mailboxId, bool subscribed)
    {
        if (Demand(accountId, mailboxId).Subscribed == subscribed)
            return;
        var number = _log.Take(accountId, 1);
        _unit.Session.Use(SetSubscribed).Bind(1, subscribed ? 1L : 0L).Bind(2, number).Bind(3, mailboxId).Run();
        _log.Write(new Change(accountId, number, ChangeKind.MailboxChanged, mailboxId, 0, 0));
    }

    /// <summary>Gives a mailbox a new change number: something about it has changed that no other table of changes has (RFC 7162 §3.2).</summary>
    public void Touch(long accountId, long mailboxId)
    {
        Demand(accountId, mailboxId);
        var number = _log.Take(accountId, 1);
        _unit.Session.Use(SetNumber).Bind(1, number).Bind(2, mailboxId).Run();
        _log.Write(new Change(accountId, number, ChangeKind.MailboxChanged, mailboxId, 0, 0));
    }

    /// <summary>Files a message: row, UID, change number, counters, quota use, change and event rows.</summary>
    public Filed Deliver(long accountId, long mailboxId, NewMessage message) => _placing.Deliver(accountId, mailboxId, message);

    /// <summary>Files a message into the account's INBOX, which costs no query to find.</summary>
    public Filed DeliverToInbox(long accountId, NewMessage message) => _placing.Deliver(accountId, null, message);

    /// <summary>The mailbox as a maildrop, by UID.</summary>
    public IReadOnlyList<MaildropEntry> Maildrop(long accountId, long mailboxId) => Get(accountId, mailboxId) is null
        ? []
        : _unit.Session.Use(Drop).Bind(1, mailboxId).All(static r => new MaildropEntry((uint)r.Int64(0), r.Int64(1), r.Int64(2)));

    /// <summary>Places of a mailbox from a UID on, in UID order.</summary>
    public IReadOnlyList<Placement> Placements(long accountId, long mailboxId, uint fromUid = 1, int most = int.MaxValue) => Get(accountId, mailboxId) is null
        ? []
        : _unit.Session.Use(Places).Bind(1, mailboxId).Bind(2, (long)fromUid).Bind(3, (long)most).All(static r =>
            new Placement((uint)r.Int64(0), r.Int64(1), (MessageFlags)r.Int64(2), r.TextOrNull(3), r.Int64(4), r.Int64(5), r.Int64(6),
                Times.FromMicroseconds(r.Int64(7)), Times.FromMicroseconds(r.Int64(8))));

    /// <summary>Messages by id, in the order asked for; a missing one is left out.</summary>
    public IReadOnlyList<StoredMessage> Load(long accountId, ReadOnlySpan<long> messageIds)
    {
        var messages = new List<StoredMessage>(messageIds.Length);
        foreach (var id in messageIds)
            if (MessageIds.AccountOf(id) == accountId && _unit.Session.Use(Message).Bind(1, id).One(Stored) is { } message)
                messages.Add(message);
        return messages;
    }

    /// <summary>Removes messages from a mailbox; those already gone are ignored. Returns how many went.</summary>
    public int Expunge(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, string protocol) =>
        _placing.Expunge(accountId, mailboxId, uids, protocol);

    /// <summary>
    /// Gives messages another place: the same message (one EMAILID, one set of flags) in both mailboxes. Where it already is
    /// in the other mailbox, a message of its own with the same body is made.
    /// </summary>
    public IReadOnlyList<Transferred> Copy(long accountId, long fromMailbox, long toMailbox, IReadOnlyCollection<uint> uids) =>
        _placing.Copy(accountId, fromMailbox, toMailbox, uids);

    /// <summary>Copies, and removes from the first mailbox, in one (RFC 6851).</summary>
    public IReadOnlyList<Transferred> Move(long accountId, long fromMailbox, long toMailbox, IReadOnlyCollection<uint> uids, string protocol) =>
        _placing.Move(accountId, fromMailbox, toMailbox, uids, protocol);

    /// <summary>Sets and clears flags; returns the UIDs that changed. Keywords are atoms other than the system flags.</summary>
    public IReadOnlyList<uint> SetFlags(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, MessageFlags add, MessageFlags remove, IReadOnlyCollection<string>? addKeywords = null, IReadOnlyCollection<string>? removeKeywords = null) =>
        SetFlags(accountId, mailboxId, uids, new FlagChange(add, remove, addKeywords ?? [], removeKeywords ?? [])).Changed;

    /// <summary>
    /// Changes flags as STORE does; UIDs that are gone are ignored. \Deleted belongs to the one place, all else to the message
    /// in all its places.
    /// </summary>
    public FlagResult SetFlags(long accountId, long mailboxId, IReadOnlyCollection<uint> uids, FlagChange change) =>
        _placing.SetFlags(accountId, mailboxId, uids, change);

    /// <summary>The account's change number now: JMAP's state, and the ceiling of every MODSEQ.</summary>
    public long State(long accountId) => _unit.Session.Use(ChangeNumber).Bind(1, accountId).Scalar() ?? 0;

    /// <summary>The account's changes after a number, in order; at most so many.</summary>
    public IReadOnlyList<Change> ChangesSince(long accountId, long number, int most = int.MaxValue) => _log.Since(accountId, number, most);

    /// <summary>UIDs that left a mailbox after a change number, ascending (RFC 7162 §3.2.6, VANISHED (EARLIER)).</summary>
    public IReadOnlyList<uint> VanishedSince(long accountId, long mailboxId, long number) => _log.Vanished(accountId, mailboxId, number);

    /// <summary>JMAP Email/changes (RFC 8620 §5.2).</summary>
    public ObjectChanges EmailChangesSince(long accountId, long number) => _log.Emails(accountId, number, State(accountId));

    /// <summary>JMAP Mailbox/changes (RFC 8621 §2.2).</summary>
    public ObjectChanges MailboxChangesSince(long accountId, long number) => _log.Mailboxes(accountId, number, State(accountId));

    /// <summary>Removes all that an account has; its row is gone already.</summary>
    internal void RemoveAll(long accountId)
    {
        _unit.Rights.RemoveAccount(accountId);
        _unit.Annotations.RemoveAccount(accountId);
        _unit.UrlKeys.RemoveAccount(accountId);
        _unit.Threads.RemoveAccount(accountId);
        _placing.RemoveAll(accountId);
        _unit.Subscriptions.RemoveAll(accountId);
        _unit.Imports.RemoveAll(accountId);
        _unit.Archives.RemoveAll(accountId);
        _unit.Retentions.RemoveAll(accountId);
    }

    Mailbox Demand(long accountId, long mailboxId) =>
        Get(accountId, mailboxId) ?? throw new StoreException($"account {accountId} has no mailbox {mailboxId}");

    long TakeUidValidity(long accountId) =>
        _unit.Session.Use(NextUidValidity).Bind(1, _unit.Time.GetUtcNow().ToUnixTimeSeconds()).Bind(2, accountId).Scalar()
        ?? throw new StoreException($"there is no account {accountId}");

    /// <summary>INBOX is one name in any case (RFC 9051 §5.1).</summary>
    static string Canonical(string name) => name.Equals(Inbox, StringComparison.OrdinalIgnoreCase) ? Inbox : name;

    static Mailbox Row(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), (MailboxRole)r.Int64(3), (uint)r.Int64(4), (uint)r.Int64(5),
        r.Int64(6), r.Int64(7), r.Int64(8), r.Int64(9), r.Int64(10) != 0);

    internal static StoredMessage Stored(ISqlStatement r) => new(r.Int64(0), r.Bytes(1),
        new BlobLocation(r.Int64(2), (int)r.Int64(3), r.Int64(4), r.Int64(5), r.Bytes(6)), r.Bytes(7), Times.FromMicroseconds(r.Int64(8)), new(r.Int64(9)));
}
