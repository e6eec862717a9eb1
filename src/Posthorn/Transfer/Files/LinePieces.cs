namespace Posthorn.Transfer.Files;

/// <summary>How a piece of text ends.</summary>
enum PieceEnd
{
    /// <summary>The line goes on in the next piece, or the text is over.</summary>
    None,

    /// <summary>A line feed alone.</summary>
    Lf,

    /// <summary>Carriage return and line feed.</summary>
    CrLf,
}

/// <summary>
/// Text of any size line by line, in bounded memory: a line that is larger than the window comes in pieces. A line of up to
/// <see cref="Whole"/> octets is always one piece.
/// </summary>
sealed class LinePieces(Stream stream) : IDisposable
{
    /// <summary>Octets of a line that are sure to be in its first piece.</summary>
    public const int Whole = 64 << 10;

    byte[] _buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(2 * Whole);
    int _start, _end, _length;
    bool _over, _inLine;

    /// <summary>The piece, without its line end; valid until the next one.</summary>
    public ReadOnlySpan<byte> Piece => _buffer.AsSpan(_start - _length, _length - Ended);

    int Ended => End switch { PieceEnd.CrLf => 2, PieceEnd.Lf => 1, _ => 0 };

    public PieceEnd End { get; private set; }

    /// <summary>True when the piece begins a line.</summary>
    public bool Starts { get; private set; }

    /// <summary>Octets before the end of the current piece.</summary>
    public long Offset { get; private set; }

    /// <summary>Moves to the next piece; false at the end.</summary>
    public bool Next()
    {
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            var at = rest.IndexOf((byte)'\n');
            if (at >= 0) return Take(at + 1, at > 0 && rest[at - 1] == '\r' ? PieceEnd.CrLf : PieceEnd.Lf);
            if (_over) return rest.Length > 0 && Take(rest.Length, PieceEnd.None);
            // A carriage return at the end may belong to a line end whose rest is still to come.
            if (rest.Length >= Whole) return Take(rest.Length - 1, PieceEnd.None);
            Fill();
        }
    }

    bool Take(int length, PieceEnd end)
    {
        Starts = !_inLine;
        End = end;
        _inLine = end == PieceEnd.None;
        _length = length;
        _start += length;
        Offset += length;
        return true;
    }

    void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        var n = stream.Read(_buffer.AsSpan(_end));
        _end += n;
        _over = n == 0;
    }

    public void Dispose()
    {
        System.Buffers.ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        stream.Dispose();
    }
}
