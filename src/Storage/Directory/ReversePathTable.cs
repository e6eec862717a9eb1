using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Directory;

/// <summary>
/// Reverse-paths of forwarded mail that are too long to stand in a rewritten one, under a number that stands there for them.
/// </summary>
public sealed class ReversePathTable
{
    static readonly SqlText Keep = new("""
        INSERT INTO reverse_paths (address, used) VALUES ($1, $2) ON CONFLICT (address) DO UPDATE SET used = excluded.used RETURNING id
        """);
    static readonly SqlText ById = new("SELECT address FROM reverse_paths WHERE id = $1");
    static readonly SqlText DeleteOld = new("DELETE FROM reverse_paths WHERE used < $1");

    readonly ReadUnit _unit;

    internal ReversePathTable(ReadUnit unit) => _unit = unit;

    /// <summary>The number of an address, which is now used.</summary>
    public long Use(string address) => _unit.Session.Use(Keep).Bind(1, address).Bind(2, _unit.Now).Scalar()!.Value;

    /// <summary>The address under a number; null when there is none (any more).</summary>
    public string? Find(long id) => _unit.Session.Use(ById).Bind(1, id).One(static r => r.Text(0));

    /// <summary>Forgets those not used since then; returns how many went.</summary>
    public int Forget(DateTimeOffset unusedSince) => _unit.Session.Use(DeleteOld).Bind(1, unusedSince.ToMicroseconds()).Run();
}
