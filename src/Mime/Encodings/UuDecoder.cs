using System.Buffers;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// uuencode, as old programs sent it: a "begin" line, lines of a length and groups of four, an "end" line. What stands before
/// "begin" and behind "end" is not part of the file.
/// </summary>
sealed class UuDecoder : TransferDecoder
{
    /// <summary>A line holds at most 63 octets: one character for the length and 84 for them, and some programs add one.</summary>
    const int MostOnLine = 128;

    enum Place { Before, Inside, After }

    readonly byte[] _line = new byte[MostOnLine];
    int _length;
    Place _place;

    public override void Decode(ReadOnlySpan<byte> octets, IBufferWriter<byte> into)
    {
        while (octets.Length > 0)
        {
            var eol = octets.IndexOf((byte)'\n');
            var piece = eol < 0 ? octets : octets[..eol];
            var fits = Math.Min(piece.Length, MostOnLine - _length);
            piece[..fits].CopyTo(_line.AsSpan(_length));
            _length += fits;
            if (eol < 0) return;
            Line(into);
            octets = octets[(eol + 1)..];
        }
    }

    public override void End(IBufferWriter<byte> into) => Line(into);

    void Line(IBufferWriter<byte> into)
    {
        ReadOnlySpan<byte> line = _line.AsSpan(0, _length).TrimEnd("\r"u8);
        _length = 0;
        if (_place == Place.Before)
        {
            if (line.StartsWith("begin "u8)) _place = Place.Inside;
            return;
        }
        if (_place == Place.After || line.Length == 0) return;
        if (line.SequenceEqual("end"u8))
        {
            _place = Place.After;
            return;
        }
        var count = line[0] - 32 & 63;
        line = line[1..];
        var room = into.GetSpan(66);
        var n = 0;
        for (var at = 0; n < count && at < line.Length; at += 4)
        {
            // Spaces at the end of a line are often lost in transport; they stand for zero.
            int a = Six(line, at), b = Six(line, at + 1), c = Six(line, at + 2), d = Six(line, at + 3);
            room[n++] = (byte)(a << 2 | b >> 4);
            room[n++] = (byte)(b << 4 | c >> 2);
            room[n++] = (byte)(c << 6 | d);
        }
        into.Advance(Math.Min(n, count));
    }

    static int Six(ReadOnlySpan<byte> line, int at) => at < line.Length ? line[at] - 32 & 63 : 0;
}
