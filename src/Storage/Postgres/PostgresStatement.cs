using System.Net.Sockets;
using Npgsql;
using NpgsqlTypes;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Postgres;

/// <summary>A command prepared on its first use, when the types of its parameters are known; they never change after.</summary>
sealed class PostgresStatement : ISqlStatement
{
    readonly PostgresSession _session;
    readonly NpgsqlCommand _command;
    NpgsqlDataReader? _reader;
    bool _prepared;

    internal PostgresStatement(PostgresSession session, SqlText sql)
    {
        _session = session;
#pragma warning disable CA2100 // SqlText holds constants only
        _command = new NpgsqlCommand(sql.Text, session.Connection);
#pragma warning restore CA2100
    }

    internal PostgresStatement Fresh()
    {
        if (_reader is not null)
            throw new InvalidOperationException("statement is still running: " + _command.CommandText);
        return this;
    }

    public ISqlStatement Bind(int position, long value) => Set(position, NpgsqlDbType.Bigint, value);
    public ISqlStatement Bind(int position, long? value) => Set(position, NpgsqlDbType.Bigint, value);
    public ISqlStatement Bind(int position, string? value) => Set(position, NpgsqlDbType.Text, value);
    public ISqlStatement Bind(int position, ReadOnlySpan<byte> value) => Set(position, NpgsqlDbType.Bytea, value.ToArray());

    PostgresStatement Set(int position, NpgsqlDbType type, object? value)
    {
        while (_command.Parameters.Count < position)
            _command.Parameters.Add(new NpgsqlParameter());
        var parameter = _command.Parameters[position - 1];
        parameter.NpgsqlDbType = type;
        parameter.Value = value ?? DBNull.Value;
        return this;
    }

    public bool Step()
    {
        try
        {
            _reader ??= Execute();
            if (_reader.Read())
                return true;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            Drop();
            throw _session.Classed(e, _command.CommandText);
        }
        Dispose();
        return false;
    }

    public int Run()
    {
        try
        {
            _reader ??= Execute();
            while (_reader.Read())
            {
            }
            // -1 for statements that change nothing.
            var changed = Math.Max(0, _reader.RecordsAffected);
            Dispose();
            return changed;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            Drop();
            throw _session.Classed(e, _command.CommandText);
        }
    }

    public long Int64(int column) => _reader!.GetInt64(column);
    public long? Int64OrNull(int column) => _reader!.IsDBNull(column) ? null : _reader.GetInt64(column);
    public string Text(int column) => _reader!.GetString(column);
    public string? TextOrNull(int column) => _reader!.IsDBNull(column) ? null : _reader.GetString(column);
    public byte[] Bytes(int column) => _reader!.GetFieldValue<byte[]>(column);

    public void Dispose()
    {
        var reader = _reader;
        _reader = null;
        try
        {
            reader?.Dispose();
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            throw _session.Classed(e, _command.CommandText);
        }
    }

    internal void Close()
    {
        Drop();
        _command.Dispose();
    }

    NpgsqlDataReader Execute()
    {
        if (!_prepared && _command.Parameters.Count > 0)
        {
            _command.Prepare();
            _prepared = true;
        }
        return _command.ExecuteReader();
    }

    /// <summary>Lets the reader go after a failure, whose own word is the one that counts.</summary>
    void Drop()
    {
        var reader = _reader;
        _reader = null;
        try
        {
            reader?.Dispose();
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            _session.Classed(e, _command.CommandText);
        }
    }
}
