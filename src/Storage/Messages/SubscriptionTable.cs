using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Messages;

/// <summary>
/// Names that an account is subscribed to while no mailbox has them (RFC 9051 §6.3.7). The subscription of a mailbox that is
/// there is part of its row.
/// </summary>
public sealed class SubscriptionTable
{
    static readonly SqlText OfAccount = new("SELECT name FROM subscriptions WHERE account_id = $1 ORDER BY name");
    static readonly SqlText Insert = new("INSERT INTO subscriptions (account_id, name) VALUES ($1, $2) ON CONFLICT (account_id, name) DO NOTHING");
    static readonly SqlText Delete = new("DELETE FROM subscriptions WHERE account_id = $1 AND name = $2");
    static readonly SqlText DeleteAll = new("DELETE FROM subscriptions WHERE account_id = $1");

    readonly ReadUnit _unit;

    internal SubscriptionTable(ReadUnit unit) => _unit = unit;

    public IReadOnlyList<string> Names(long accountId) => _unit.Session.Use(OfAccount).Bind(1, accountId).All(static r => r.Text(0));

    public void Add(long accountId, string name) => _unit.Writing.Session.Use(Insert).Bind(1, accountId).Bind(2, name).Run();

    /// <summary>True when it was there.</summary>
    public bool Remove(long accountId, string name) => _unit.Writing.Session.Use(Delete).Bind(1, accountId).Bind(2, name).Run() > 0;

    internal void RemoveAll(long accountId) => _unit.Session.Use(DeleteAll).Bind(1, accountId).Run();
}
