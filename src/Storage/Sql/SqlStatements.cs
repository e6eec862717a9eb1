namespace Posthorn.Storage.Sql;

/// <summary>Ways to end a bound statement that always drain it, so that the next one may run on either engine.</summary>
static class SqlStatements
{
    /// <summary>The first column of the first row, or null when there is no row.</summary>
    internal static long? Scalar(this ISqlStatement statement)
    {
        using (statement)
            return statement.Step() ? statement.Int64OrNull(0) : null;
    }

    internal static T? One<T>(this ISqlStatement statement, Func<ISqlStatement, T> row) where T : class
    {
        using (statement)
            return statement.Step() ? row(statement) : null;
    }

    internal static List<T> All<T>(this ISqlStatement statement, Func<ISqlStatement, T> row)
    {
        var rows = new List<T>();
        using (statement)
            while (statement.Step())
                rows.Add(row(statement));
        return rows;
    }
}
