using System.Globalization;
using System.Text;
using Posthorn.Storage.Sql;
using SQLitePCL;

namespace Posthorn.Storage.Sqlite;

/// <summary>A prepared statement with <c>$n</c> mapped to SQLite's own index once.</summary>
sealed class SqliteStatement : ISqlStatement
{
    readonly SqliteSession _session;
    readonly string _text;
    readonly sqlite3_stmt _statement;
    readonly int[] _index;
    bool _running;

    internal SqliteStatement(SqliteSession session, SqlText sql)
    {
        _session = session;
        _text = sql.Text;
        session.Check(raw.sqlite3_prepare_v3(session.Db, sql.Text, 1 /* SQLITE_PREPARE_PERSISTENT */, out _statement), sql.Text);
        var count = raw.sqlite3_bind_parameter_count(_statement);
        _index = new int[count + 1];
        for (var i = 1; i <= count; i++)
            _index[i] = raw.sqlite3_bind_parameter_index(_statement, "$" + i.ToString(CultureInfo.InvariantCulture));
    }

    internal SqliteStatement Fresh()
    {
        if (_running)
            throw new InvalidOperationException("statement is still running: " + _text);
        return this;
    }

    public ISqlStatement Bind(int position, long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, _index[position], value));
        return this;
    }

    public ISqlStatement Bind(int position, long? value)
    {
        Check(value is { } v ? raw.sqlite3_bind_int64(_statement, _index[position], v) : raw.sqlite3_bind_null(_statement, _index[position]));
        return this;
    }

    public ISqlStatement Bind(int position, string? value)
    {
        if (value is null)
        {
            Check(raw.sqlite3_bind_null(_statement, _index[position]));
            return this;
        }
        if (value.Length is 0 or > 256)
        {
            // The span form would take an empty text for null.
            Check(raw.sqlite3_bind_text(_statement, _index[position], value));
            return this;
        }
        Span<byte> utf8 = stackalloc byte[value.Length * 3];
        var length = Encoding.UTF8.GetBytes(value, utf8);
        Check(raw.sqlite3_bind_text(_statement, _index[position], utf8[..length]));
        return this;
    }

    public ISqlStatement Bind(int position, ReadOnlySpan<byte> value)
    {
        Check(value.IsEmpty
            ? raw.sqlite3_bind_zeroblob(_statement, _index[position], 0)
            : raw.sqlite3_bind_blob(_statement, _index[position], value));
        return this;
    }

    public bool Step()
    {
        _running = true;
        var code = raw.sqlite3_step(_statement);
        if (code == raw.SQLITE_ROW)
            return true;
        if (code == raw.SQLITE_DONE)
        {
            Dispose();
            return false;
        }
        try
        {
            _session.Check(code, _text);
        }
        finally
        {
            Dispose();
        }
        return false;
    }

    public int Run()
    {
        while (Step())
        {
        }
        return raw.sqlite3_changes(_session.Db);
    }

    public long Int64(int column) => raw.sqlite3_column_int64(_statement, column);

    public long? Int64OrNull(int column) =>
        raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL ? null : raw.sqlite3_column_int64(_statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(raw.sqlite3_column_blob(_statement, column));

    public string? TextOrNull(int column) =>
        raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL ? null : Text(column);

    public byte[] Bytes(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    /// <summary>Ready for its next use (the connection keeps it prepared).</summary>
    public void Dispose()
    {
        if (!_running)
            return;
        _running = false;
        raw.sqlite3_reset(_statement);
    }

    internal void Close() => _statement.Dispose();

    void Check(int code) => _session.Check(code, _text);
}
