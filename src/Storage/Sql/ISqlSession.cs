namespace Posthorn.Storage.Sql;

/// <summary>One connection with its prepared statements; used by one thread at a time.</summary>
interface ISqlSession : IDisposable
{
    /// <summary>The prepared form of a statement, ready for <c>Bind</c>. A statement must be drained before the next one runs.</summary>
    ISqlStatement Use(SqlText sql);

    /// <summary>Begins a transaction: for writing, or as one snapshot for reading.</summary>
    void Begin(bool write);

    void Commit();

    /// <summary>Rolls back; quiet when the engine has already done so (SQLite does after an I/O error).</summary>
    void Rollback();

    void Savepoint();
    void Release();

    /// <summary>Undoes everything since <see cref="Savepoint"/> and drops it.</summary>
    void RollbackToSavepoint();

    /// <summary>The gravest failure since <see cref="Begin"/>: a unit may have swallowed the exception, the group may not.</summary>
    SqlFault Fault { get; }

    /// <summary>Runs the text of a migration: several statements.</summary>
    void RunScript(string script);
}

/// <summary>A prepared statement. Positions of parameters count from 1, those of columns from 0.</summary>
interface ISqlStatement : IDisposable
{
    ISqlStatement Bind(int position, long value);
    ISqlStatement Bind(int position, long? value);
    ISqlStatement Bind(int position, string? value);
    ISqlStatement Bind(int position, ReadOnlySpan<byte> value);

    /// <summary>Moves to the next row; false at the end.</summary>
    bool Step();

    long Int64(int column);
    long? Int64OrNull(int column);
    string Text(int column);
    string? TextOrNull(int column);
    byte[] Bytes(int column);

    /// <summary>Runs to the end and returns how many rows were changed.</summary>
    int Run();
}

/// <summary>The engine: opens sessions on one database and knows its own words.</summary>
interface ISqlEngine : IDisposable
{
    ISqlSession OpenWriter();
    ISqlSession OpenReader();

    /// <summary>Puts the engine's own words for the tokens of a migration text.</summary>
    string Translate(string migration);

    /// <summary>Called by the writer between groups: the checkpoint is its work alone.</summary>
    void Tidy(ISqlSession writer);

    /// <summary>Called by the writer at a clean close.</summary>
    void Finish(ISqlSession writer);

    /// <summary>Copies the metadata, synced, before an upgrade; null when the engine has its own back-ups.</summary>
    string? Snapshot(ISqlSession writer, int schema);

    /// <summary>The engine's own check of its file; one text for each finding.</summary>
    IReadOnlyList<string> CheckIntegrity(ISqlSession session);

    /// <summary>True once the schema's first table is there.</summary>
    bool HasSchema(ISqlSession session);
}
