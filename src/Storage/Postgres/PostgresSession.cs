using System.Net.Sockets;
using Npgsql;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Postgres;

/// <summary>One PostgreSQL connection with its prepared statements; opened anew at <see cref="Begin"/> after it was lost.</summary>
sealed class PostgresSession : ISqlSession
{
    // READ COMMITTED: the counters of an account and a mailbox are locked by the UPDATE … RETURNING that takes them.
    static readonly SqlText BeginWrite = new("BEGIN ISOLATION LEVEL READ COMMITTED");
    static readonly SqlText BeginRead = new("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    static readonly SqlText CommitText = new("COMMIT");
    static readonly SqlText RollbackText = new("ROLLBACK");
    static readonly SqlText SavepointText = new("SAVEPOINT unit");
    static readonly SqlText ReleaseText = new("RELEASE SAVEPOINT unit");
    static readonly SqlText UndoText = new("ROLLBACK TO SAVEPOINT unit");

    readonly string _text;
    readonly bool _writer;
    PostgresStatement?[] _statements = new PostgresStatement?[128];
    NpgsqlConnection? _connection;
    bool _open;

    internal PostgresSession(string text, bool writer)
    {
        _text = text;
        _writer = writer;
        Connect();
    }

    public SqlFault Fault { get; private set; }

    internal NpgsqlConnection Connection => _connection!;

    public ISqlStatement Use(SqlText sql)
    {
        if (sql.Id >= _statements.Length)
            Array.Resize(ref _statements, Math.Max(SqlText.Count, sql.Id + 1) + 32);
        return (_statements[sql.Id] ??= new PostgresStatement(this, sql)).Fresh();
    }

    public void Begin(bool write)
    {
        Fault = SqlFault.None;
        if (_connection!.FullState != System.Data.ConnectionState.Open)
            Connect();
        Use(write ? BeginWrite : BeginRead).Run();
        _open = true;
    }

    public void Commit()
    {
        Use(CommitText).Run();
        _open = false;
    }

    public void Rollback()
    {
        if (!_open)
            return;
        _open = false;
        // With the connection the transaction is gone.
        if (_connection!.FullState == System.Data.ConnectionState.Open)
            Use(RollbackText).Run();
    }

    public void Savepoint() => Use(SavepointText).Run();
    public void Release() => Use(ReleaseText).Run();

    public void RollbackToSavepoint()
    {
        Use(UndoText).Run();
        Use(ReleaseText).Run();
    }

    public void RunScript(string script)
    {
        try
        {
            using var command = _connection!.CreateCommand();
#pragma warning disable CA2100 // a migration's text, from this assembly
            command.CommandText = script;
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            throw Classed(e, "a migration");
        }
    }

    /// <summary>The failure in the store's own classes.</summary>
    internal SqlFaultException Classed(Exception e, string what)
    {
        var fault = e is PostgresException { SqlState: var state } ? Classify(state) : SqlFault.Unavailable;
        if (fault > Fault)
            Fault = fault;
        return new SqlFaultException(fault, $"PostgreSQL: {e.Message} in: {what}", e);
    }

    static SqlFault Classify(string state) => state switch
    {
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => SqlFault.Retry,
        PostgresErrorCodes.DiskFull => SqlFault.Full,
        // Constraint, data, syntax, and what follows one of them in the same unit (25P02).
        _ when state[..2] is "23" or "22" or "42" || state == PostgresErrorCodes.InFailedSqlTransaction => SqlFault.Constraint,
        _ => SqlFault.Unavailable,
    };

    void Connect()
    {
        Close();
        try
        {
            _connection = new NpgsqlConnection(_text);
            _connection.Open();
            // The promise is ours to keep whatever the server's configuration says.
            RunScript(_writer ? "SET synchronous_commit = on" : "SET default_transaction_read_only = on");
        }
        catch (Exception e) when (e is NpgsqlException or SocketException)
        {
            throw Classed(e, "connecting");
        }
    }

    void Close()
    {
        foreach (var statement in _statements)
            statement?.Close();
        Array.Clear(_statements);
        _connection?.Dispose();
        _open = false;
    }

    public void Dispose() => Close();
}
