namespace Posthorn.Wire.Connections;

/// <summary>One line read; <see cref="Text"/> is valid until the next read from the same connection.</summary>
/// <param name="Status">How the read ended.</param>
/// <param name="Text">The octets before the CRLF; empty unless <see cref="LineStatus.Line"/>.</param>
public readonly record struct ReadLine(LineStatus Status, ReadOnlyMemory<byte> Text)
{
    /// <summary>
    /// True when the line holds a CR, LF or NUL of its own. Only CRLF ends a line (RFC 5321 §2.3.8): a lenient reader
    /// and a strict one would see different commands in the same octets.
    /// </summary>
    public bool HasBareControl => Text.Span.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) >= 0;
}
