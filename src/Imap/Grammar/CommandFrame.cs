namespace Posthorn.Imap.Grammar;

/// <summary>How reading a command, or the next piece of one, ended.</summary>
enum FrameStatus
{
    /// <summary>The command is whole.</summary>
    Command,

    /// <summary>It stopped at a literal that is for the session to stream; the octets are still to come.</summary>
    Literal,

    /// <summary>A line was longer than allowed; it was read to its end and thrown away.</summary>
    TooLong,

    /// <summary>
    /// A synchronizing literal was larger than allowed. The client was not asked for it, so the command ends here:
    /// <c>NO [TOOBIG]</c>, or LIMIT.
    /// </summary>
    LiteralTooBig,

    /// <summary>A literal that comes without our asking was larger than allowed: <c>BAD [TOOBIG]</c> and <c>BYE</c> (RFC 7888 §4).</summary>
    Flooded,

    /// <summary>The peer closed.</summary>
    Closed,

    /// <summary>The deadline passed.</summary>
    TimedOut,

    /// <summary>The server is draining, and no command was on its way.</summary>
    Draining,
}

/// <summary>A command as it came, or its next piece.</summary>
/// <param name="Status">How the read ended.</param>
/// <param name="Text">
/// The octets without the last CRLF: lines, each small literal in its place behind its mark and CRLF. When streaming, all
/// before the mark. Kept for the reply's tag where a limit ended the command. Valid until the next read.
/// </param>
/// <param name="Literal">What is to be streamed, when the status says so.</param>
readonly record struct CommandFrame(FrameStatus Status, ReadOnlyMemory<byte> Text, LiteralMark Literal = default);
