namespace Posthorn.Storage;

/// <summary>Where and how the store lives.</summary>
public sealed record StoreOptions
{
    /// <summary>The data directory: <c>meta.db</c>, <c>blobs/</c>, <c>tmp/</c>. Made with mode 0700 when missing.</summary>
    public required string Directory { get; init; }

    /// <summary>A Npgsql connection string: metadata lives in PostgreSQL instead of SQLite. Null for the embedded store.</summary>
    public string? Postgres { get; init; }

    /// <summary>Units that may share one commit.</summary>
    public int GroupSize { get; init; } = 256;

    /// <summary>Below this many free octets new mail is refused with 452 (promise 5 of reliability).</summary>
    public long MinimumFree { get; init; } = 64L << 20;

    /// <summary>Opens beside a running server: takes no lock, makes and upgrades nothing, refuses writes.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Octets after which a pack of bodies is closed and the next begun.</summary>
    public long PackSize { get; init; } = 256L << 20;
}
