namespace Posthorn.Storage.Sql;

/// <summary>What a failure means for the unit, the group and the store; in order of gravity.</summary>
enum SqlFault
{
    None,

    /// <summary>The unit's own: a constraint, or a statement that is wrong.</summary>
    Constraint,

    /// <summary>The group is gone, its units may run again (deadlock between nodes).</summary>
    Retry,

    /// <summary>The group is gone; the next may do (busy, connection lost).</summary>
    Unavailable,

    /// <summary>No space.</summary>
    Full,

    /// <summary>A read found what cannot be.</summary>
    Damage,

    /// <summary>A write or sync failed: nothing can be trusted.</summary>
    Poison,
}

/// <summary>An engine's refusal, already classed.</summary>
sealed class SqlFaultException(SqlFault fault, string message, Exception? inner = null) : StoreException(message, inner)
{
    internal SqlFault Fault { get; } = fault;
}
