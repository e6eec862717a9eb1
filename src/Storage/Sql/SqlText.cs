using System.Diagnostics.CodeAnalysis;

namespace Posthorn.Storage.Sql;

/// <summary>
/// One SQL statement, written once for both engines, as a constant: SQL is never built at run time (threat table, "SQL/LDAP
/// injection"). Parameters are <c>$1</c> … <c>$n</c>. The id is an array index in each session's table of prepared statements.
/// </summary>
sealed class SqlText
{
    static int _count;

    internal SqlText([ConstantExpected] string text)
    {
        Text = text;
        Id = Interlocked.Increment(ref _count) - 1;
    }

    internal int Id { get; }
    internal string Text { get; }

    /// <summary>How many there are so far.</summary>
    internal static int Count => Volatile.Read(ref _count);
}
