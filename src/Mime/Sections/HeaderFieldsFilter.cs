using System.Buffers;
using System.Text;

namespace Posthorn.Mime.Sections;

/// <summary>
/// Takes named fields out of a header, or all but these (RFC 9051 §6.4.5.1, HEADER.FIELDS), by copying their octets. Fed piece
/// by piece, so that a header of any size needs no memory. The empty line that ends the header is always kept. One object
/// serves one header.
/// </summary>
public sealed class HeaderFieldsFilter
{
    /// <summary>A line has at most 998 octets (RFC 5322 §2.1.1); a name that long matches nothing.</summary>
    const int MaxName = 1000;

    enum Place { LineStart, Cr, Name, Copy, Skip, End }

    readonly byte[][] _names;
    readonly bool _not;
    byte[] _name = new byte[64];
    int _length;
    Place _place;
    bool _keep;

    /// <param name="names">Field names in any case.</param>
    /// <param name="not">True for HEADER.FIELDS.NOT.</param>
    public HeaderFieldsFilter(IReadOnlyList<string> names, bool not)
    {
        _not = not;
        _names = [.. names.Select(n => Encoding.UTF8.GetBytes(n.ToLowerInvariant()))];
    }

    /// <summary>Copies what is to be kept of the next octets of the header.</summary>
    public void Write(ReadOnlySpan<byte> octets, IBufferWriter<byte> into)
    {
        while (octets.Length > 0)
        {
            if (_place == Place.End) return;
            if (_place is Place.Copy or Place.Skip)
            {
                var eol = octets.IndexOf((byte)'\n');
                var line = eol < 0 ? octets : octets[..(eol + 1)];
                if (_place == Place.Copy) into.Write(line);
                if (eol >= 0) _place = Place.LineStart;
                octets = octets[line.Length..];
                continue;
            }
            One(octets[0], into);
            octets = octets[1..];
        }
    }

    /// <summary>Says that no more comes: a last line without its end is decided.</summary>
    public void End(IBufferWriter<byte> into)
    {
        if (_place == Place.Name) Decide(colon: false, into);
        else if (_place == Place.Cr && _not) into.Write("\r"u8);
        _place = Place.End;
    }

    void One(byte c, IBufferWriter<byte> into)
    {
        switch (_place)
        {
            case Place.LineStart when c is (byte)' ' or (byte)'\t': // folded: goes where its field went
                if (_keep) Put(c, into);
                _place = _keep ? Place.Copy : Place.Skip;
                return;
            case Place.LineStart when c == '\r':
                _place = Place.Cr;
                return;
            case Place.LineStart when c == '\n':
                Put(c, into);
                _place = Place.End;
                return;
            case Place.Cr when c == '\n':
                into.Write("\r\n"u8);
                _place = Place.End;
                return;
            case Place.LineStart or Place.Cr:
                var cr = _place == Place.Cr;
                (_length, _place) = (0, Place.Name);
                if (cr) Add((byte)'\r');
                break;
        }
        Add(c);
        if (c == ':') Decide(colon: true, into);
        else if (c == '\n' || _length == MaxName) Decide(colon: false, into);
    }

    void Add(byte c)
    {
        if (_length == _name.Length) Array.Resize(ref _name, MaxName);
        _name[_length++] = c;
    }

    void Decide(bool colon, IBufferWriter<byte> into)
    {
        var read = _name.AsSpan(0, _length);
        _keep = (colon && IsNamed(read[..^1].TrimEnd(" \t"u8))) != _not;
        if (_keep) into.Write(read);
        _place = read[^1] == '\n' ? Place.LineStart : _keep ? Place.Copy : Place.Skip;
        _length = 0;
    }

    bool IsNamed(ReadOnlySpan<byte> name)
    {
        foreach (var wanted in _names)
            if (wanted.Length == name.Length && Ascii.EqualsIgnoreCase(name, wanted)) return true;
        return false;
    }

    static void Put(byte c, IBufferWriter<byte> into)
    {
        into.GetSpan(1)[0] = c;
        into.Advance(1);
    }
}
