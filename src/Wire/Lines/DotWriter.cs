using Posthorn.Wire.Connections;

namespace Posthorn.Wire.Lines;

/// <summary>
/// Writes message text as a dot-stuffed block (RFC 5321 §4.5.2, RFC 1939 §3). Line ends that are not CRLF become CRLF, so
/// that no reader, however lenient, sees another end of data than ours.
/// </summary>
/// <remarks>One value serves one block: <see cref="Write"/> for each piece, then <see cref="End"/>.</remarks>
public struct DotWriter(Connection connection)
{
    byte _last; // the last octet of the text so far; 0 before the first
    bool _begun;

    /// <summary>Appends text to the connection's output. The caller flushes when <see cref="Connection.ShouldFlush"/> says so.</summary>
    public void Write(ReadOnlySpan<byte> text)
    {
        if (text.Length == 0) return;
        var i = 0;
        WriteOdd(_begun ? _last : (byte)'\n', text[i++]);
        _begun = true;
        while (i < text.Length)
        {
            var next = LineScan.NextIrregular(text, i);
            connection.Write(text[i..next]);
            i = next;
            if (i == text.Length) break;
            WriteOdd(text[i - 1], text[i]);
            i++;
        }
        _last = text[^1];
    }

    readonly void WriteOdd(byte before, byte here)
    {
        if (before == '\r' && here != '\n') connection.Write("\n"u8);
        else if (here == '\n' && before != '\r') connection.Write("\r"u8);
        if (here == '.' && before is (byte)'\n' or (byte)'\r') connection.Write("."u8);
        connection.Write([here]);
    }

    /// <summary>Ends the last line where the text did not, and writes the dot line.</summary>
    public void End()
    {
        if (_begun && _last == '\r') connection.Write("\n"u8);
        else if (_begun && _last != '\n') connection.Write("\r\n"u8);
        connection.Write(".\r\n"u8);
        (_begun, _last) = (false, 0);
    }
}
