using System.Buffers;

namespace Posthorn.Transfer.Files;

/// <summary>
/// Reads an mbox (RFC 4155) of any size in bounded memory. A message begins with a line that has a date, at the start or behind an
/// empty line. Lines that were quoted by "&gt;" lose one (mboxrd; the older mboxo is read as well), line ends become CRLF.
/// </summary>
sealed class MboxReader(Stream stream) : IDisposable
{
    /// <summary>Of a header that is larger, what comes later is text.</summary>
    const int MostHeader = 1 << 20;
    const int Piece = 64 << 10;

    static ReadOnlySpan<byte> CrLf => "\r\n"u8;

    readonly LinePieces _lines = new(stream);
    readonly ArrayBufferWriter<byte> _out = new(Piece + 1024);
    bool _atPostmark, _begun, _inBody;
    PieceEnd? _held; // an empty line that may be the one before the next message
    bool _replay; // the piece at hand is still to be taken
    bool _handed; // what is in the buffer was given out
    long _length, _given;

    /// <summary>From the postmark, or from the mark of our own.</summary>
    public DateTimeOffset Date { get; private set; }

    public MailFlags Flags { get; private set; } = MailFlags.None;

    /// <summary>What we noted when we wrote it; null for a message that others wrote.</summary>
    public MboxMark? Mark { get; private set; }

    /// <summary>True for the first "message" of some servers, which holds data of theirs.</summary>
    public bool IsServerData { get; private set; }

    /// <summary>True for a message that was deleted and only waits for the file to be compacted.</summary>
    public bool IsDeleted { get; private set; }

    /// <summary>Where its first line begins.</summary>
    public long Start { get; private set; }

    /// <summary>The next message, from its first octet on: false when there is none.</summary>
    /// <exception cref="InvalidDataException">The file is no mbox.</exception>
    public bool NextMessage()
    {
        while (_inBody)
        {
            _out.ResetWrittenCount();
            Fill();
        }
        if (!_begun)
        {
            _begun = true;
            if (!_lines.Next()) return false;
            if (!Postmark.TryParse(_lines.Piece, out _)) throw new InvalidDataException("it does not begin as an mbox does");
            _atPostmark = true;
        }
        if (!_atPostmark) return false;
        Postmark.TryParse(_lines.Piece, out var date);
        (Date, Start) = (date, _lines.Offset - _lines.Piece.Length - (_lines.End == PieceEnd.CrLf ? 2 : 1));
        (_atPostmark, _held, _replay, _handed, _length, _given) = (false, null, false, false, 0, 0);
        (IsServerData, EndedByEmptyLine, Mark) = (false, false, null);
        _out.ResetWrittenCount();
        _inBody = true;
        ReadHeader();
        return true;
    }

    void ReadHeader()
    {
        var told = new MboxFlags();
        var (first, own, dropping) = (true, 0, false);
        while (_out.WrittenCount < MostHeader)
        {
            if (!_lines.Next())
            {
                _inBody = false;
                break;
            }
            var line = _lines.Piece;
            if (_lines.Starts && _lines.End != PieceEnd.None && line.IsEmpty || IsNext())
            {
                _replay = true;
                break;
            }
            if (first && (Mark = MboxMark.TryParse(line)) is not null)
            {
                (first, own) = (false, Mark.Fields);
                Date = Mark.Date;
                continue;
            }
            first = false;
            if (_lines.Starts && line[0] is not ((byte)' ' or (byte)'\t'))
            {
                dropping = MboxStatus.IsAdded(line, out var name) && (Mark is null || own-- > 0);
                if (dropping)
                {
                    told.Read(name, line);
                    IsServerData |= name == "X-IMAP";
                }
                else
                {
                    own = 0;
                    told.Pass(line);
                }
                IsServerData |= Mark is null && line.StartsWith("Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"u8);
            }
            if (!dropping) Put(_lines.Starts && IsQuoted(line) ? line[1..] : line, _lines.End);
        }
        (Flags, IsDeleted) = (told.Flags, told.IsDeleted);
    }

    /// <summary>The next piece of the message in CRLF lines, valid until the next call; empty at its end.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        if (_handed) _out.ResetWrittenCount();
        while (_inBody && _out.WrittenCount < Piece) Fill();
        _handed = true;
        var piece = _out.WrittenMemory;
        // What the file had to have at the end, a line end, the message had not.
        if (Mark is { } mark && _given + piece.Length > mark.Size) piece = piece[..(int)Math.Max(0, mark.Size - _given)];
        _given += piece.Length;
        return piece;
    }

    /// <summary>Octets of the message so far, as it is in the file.</summary>
    public long Length => _length;

    /// <summary>True when it ended as a whole message does: with an empty line, or with the file.</summary>
    public bool EndedByEmptyLine { get; private set; }

    void Fill()
    {
        if (!_replay && !_lines.Next())
        {
            End();
            return;
        }
        _replay = false;
        var line = _lines.Piece;
        if (IsNext())
        {
            _atPostmark = true;
            End();
            return;
        }
        if (_held is { } held)
        {
            Put(default, held);
            _held = null;
        }
        if (_lines.Starts && line.IsEmpty && _lines.End != PieceEnd.None) _held = _lines.End;
        else Put(_lines.Starts && IsQuoted(line) ? line[1..] : line, _lines.End);
    }

    void End()
    {
        _inBody = false;
        EndedByEmptyLine = _held is not null;
    }

    /// <summary>True when the piece at hand begins the next message.</summary>
    bool IsNext() => _lines.Starts && (_held is not null || _length == 0) && _lines.End != PieceEnd.None && Postmark.TryParse(_lines.Piece, out _);

    static bool IsQuoted(ReadOnlySpan<byte> line) => line.Length > 0 && line[0] == '>' && line.TrimStart((byte)'>').StartsWith("From "u8);

    void Put(ReadOnlySpan<byte> line, PieceEnd end)
    {
        _out.Write(line);
        var ending = end == PieceEnd.None ? default : Mark is { AsIs: true } && end == PieceEnd.Lf ? "\n"u8 : CrLf;
        _out.Write(ending);
        _length += line.Length + ending.Length;
    }

    public void Dispose() => _lines.Dispose();
}
