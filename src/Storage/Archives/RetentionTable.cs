using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Archives;

/// <summary>How long mail is kept, by account and mailbox.</summary>
public sealed class RetentionTable
{
    static readonly SqlText Everything = new("SELECT id, account_id, mailbox, keep, archived, created FROM retentions ORDER BY account_id, mailbox");
    static readonly SqlText OfAccount = new("SELECT id, account_id, mailbox, keep, archived, created FROM retentions WHERE account_id = $1 ORDER BY mailbox");
    static readonly SqlText Insert = new("""
        INSERT INTO retentions (account_id, mailbox, keep, archived, created) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account_id, mailbox) DO UPDATE SET keep = $3, archived = $4
        """);
    static readonly SqlText Delete = new("DELETE FROM retentions WHERE account_id = $1 AND mailbox = $2");
    static readonly SqlText DeleteOf = new("DELETE FROM retentions WHERE account_id = $1");
    static readonly SqlText OldOnes = new("SELECT uid FROM placements WHERE mailbox_id = $1 AND saved < $2 ORDER BY uid LIMIT $3");

    readonly ReadUnit _unit;

    internal RetentionTable(ReadUnit unit) => _unit = unit;

    public IReadOnlyList<RetentionRow> All() => _unit.Session.Use(Everything).All(Row);

    public IReadOnlyList<RetentionRow> Of(long accountId) => _unit.Session.Use(OfAccount).Bind(1, accountId).All(Row);

    /// <summary>Sets or changes the rule of a mailbox.</summary>
    public void Set(long accountId, string mailbox, TimeSpan keep, bool archived) => _unit.Writing.Session.Use(Insert)
        .Bind(1, accountId).Bind(2, mailbox).Bind(3, keep.Ticks / TimeSpan.TicksPerMicrosecond).Bind(4, archived ? 1L : 0L).Bind(5, _unit.Now).Run();

    /// <summary>True when there was one.</summary>
    public bool Remove(long accountId, string mailbox) => _unit.Writing.Session.Use(Delete).Bind(1, accountId).Bind(2, mailbox).Run() > 0;

    /// <summary>UIDs that came into a mailbox before a time, ascending, at most so many.</summary>
    public IReadOnlyList<uint> Older(long mailboxId, DateTimeOffset than, int most) =>
        _unit.Session.Use(OldOnes).Bind(1, mailboxId).Bind(2, than.ToMicroseconds()).Bind(3, (long)most).All(static r => (uint)r.Int64(0));

    internal void RemoveAll(long accountId) => _unit.Session.Use(DeleteOf).Bind(1, accountId).Run();

    static RetentionRow Row(ISqlStatement r) => new(r.Int64(0), r.Int64(1), r.Text(2), TimeSpan.FromMicroseconds(r.Int64(3)), r.Int64(4) != 0, Times.FromMicroseconds(r.Int64(5)));
}
