namespace Posthorn.Wire.Connections;

/// <summary>How one read of a line ended.</summary>
public enum LineStatus
{
    /// <summary>A whole line is there, without its CRLF.</summary>
    Line,

    /// <summary>The line was longer than allowed; it was read to its CRLF and thrown away.</summary>
    TooLong,

    /// <summary>The peer closed, or the connection broke.</summary>
    Closed,

    /// <summary>The deadline of the read, or of the session, passed. The output side is still usable.</summary>
    TimedOut,

    /// <summary>The server is draining (<see cref="Connection.Drain"/>) and no input was waiting.</summary>
    Draining,
}
