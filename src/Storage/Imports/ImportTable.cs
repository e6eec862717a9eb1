using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Imports;

/// <summary>A message that was copied from another server.</summary>
/// <param name="Uid">Its UID there.</param>
/// <param name="MailboxId">Where it was put.</param>
/// <param name="LocalUid">Its UID here; it may have moved or gone since.</param>
/// <param name="Flags">Its flags there when they were last looked at, in the words of the one who copies.</param>
public readonly record struct ImportedMessage(uint Uid, long MailboxId, uint LocalUid, string Flags);

/// <summary>What was copied from other servers, by account, source and folder.</summary>
public sealed class ImportTable
{
    static readonly SqlText Find = new("SELECT id, uid_validity FROM imports WHERE account_id = $1 AND source = $2 AND folder = $3");
    static readonly SqlText Insert = new("INSERT INTO imports (account_id, source, folder, uid_validity) VALUES ($1, $2, $3, $4) RETURNING id");
    static readonly SqlText SetValidity = new("UPDATE imports SET uid_validity = $1 WHERE id = $2");
    static readonly SqlText Forget = new("DELETE FROM imported WHERE import_id = $1");
    static readonly SqlText All = new("SELECT uid, mailbox_id, local_uid, flags FROM imported WHERE import_id = $1 ORDER BY uid");
    static readonly SqlText InsertMessage = new("""
        INSERT INTO imported (import_id, uid, mailbox_id, local_uid, flags) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (import_id, uid) DO UPDATE SET mailbox_id = $3, local_uid = $4, flags = $5
        """);
    static readonly SqlText ChangeFlags = new("UPDATE imported SET flags = $1 WHERE import_id = $2 AND uid = $3");
    static readonly SqlText DeleteMessages = new("DELETE FROM imported WHERE import_id IN (SELECT id FROM imports WHERE account_id = $1)");
    static readonly SqlText DeleteImports = new("DELETE FROM imports WHERE account_id = $1");

    readonly ReadUnit _unit;

    internal ImportTable(ReadUnit unit) => _unit = unit;

    /// <summary>
    /// The id of what is copied from a folder, begun when it is not there. With another UIDVALIDITY than before, the UIDs of
    /// before say nothing and are forgotten (RFC 9051 §2.3.1.1).
    /// </summary>
    public long Begin(long accountId, string source, string folder, uint uidValidity)
    {
        var session = _unit.Writing.Session;
        if (session.Use(Find).Bind(1, accountId).Bind(2, source).Bind(3, folder).One(static r => new Known(r.Int64(0), r.Int64(1))) is not { } known)
            return session.Use(Insert).Bind(1, accountId).Bind(2, source).Bind(3, folder).Bind(4, (long)uidValidity).Scalar()!.Value;
        if (known.Validity != uidValidity)
        {
            session.Use(Forget).Bind(1, known.Id).Run();
            session.Use(SetValidity).Bind(1, (long)uidValidity).Bind(2, known.Id).Run();
        }
        return known.Id;
    }

    /// <summary>All that was copied from a folder, by UID.</summary>
    public IReadOnlyList<ImportedMessage> Of(long importId) =>
        _unit.Session.Use(All).Bind(1, importId).All(static r => new ImportedMessage((uint)r.Int64(0), r.Int64(1), (uint)r.Int64(2), r.Text(3)));

    /// <summary>Notes a message that was copied, in the unit that files it.</summary>
    public void Add(long importId, ImportedMessage message) => _unit.Writing.Session.Use(InsertMessage)
        .Bind(1, importId).Bind(2, (long)message.Uid).Bind(3, message.MailboxId).Bind(4, (long)message.LocalUid).Bind(5, message.Flags).Run();

    /// <summary>Notes the flags that a message has there now.</summary>
    public void SetFlags(long importId, uint uid, string flags) => _unit.Writing.Session.Use(ChangeFlags).Bind(1, flags).Bind(2, importId).Bind(3, (long)uid).Run();

    internal void RemoveAll(long accountId)
    {
        _unit.Session.Use(DeleteMessages).Bind(1, accountId).Run();
        _unit.Session.Use(DeleteImports).Bind(1, accountId).Run();
    }

    sealed record Known(long Id, long Validity);
}
