using System.Buffers;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// quoted-printable (RFC 2045 §6.7). A "=" that is no escape and no soft line end stays what it is; white space at the end of
/// a line is padding and goes; hexadecimal digits may be small.
/// </summary>
sealed class QuotedPrintableDecoder : TransferDecoder
{
    /// <summary>Most white space held back to see whether a line ends behind it; more is text, or memory would not be bounded.</summary>
    const int MostHeld = 1000;

    enum Place { Text, Equals, Hex, SoftEnd, SoftCr }

    Place _place;
    byte _first;
    byte[] _held = new byte[16];
    int _heldLength;

    public override void Decode(ReadOnlySpan<byte> octets, IBufferWriter<byte> into)
    {
        while (octets.Length > 0)
        {
            if (_place == Place.Text)
            {
                var next = octets.IndexOfAny("= \t\r\n"u8);
                var run = next < 0 ? octets.Length : next;
                if (run > 0)
                {
                    Release(into);
                    into.Write(octets[..run]);
                    octets = octets[run..];
                    continue;
                }
            }
            One(octets[0], into);
            octets = octets[1..];
        }
    }

    void One(byte c, IBufferWriter<byte> into)
    {
        switch (_place)
        {
            case Place.Text when c == '=':
                Release(into);
                _place = Place.Equals;
                break;
            case Place.Text when c is (byte)' ' or (byte)'\t':
                if (_heldLength == MostHeld) Release(into);
                if (_heldLength == _held.Length) Array.Resize(ref _held, Math.Min(_held.Length * 4, MostHeld));
                _held[_heldLength++] = c;
                break;
            case Place.Text:
                if (c is (byte)'\r' or (byte)'\n') _heldLength = 0;
                else Release(into);
                Put(into, c);
                break;
            case Place.Equals when IsHex(c):
                (_first, _place) = (c, Place.Hex);
                break;
            case Place.Hex when IsHex(c):
                Put(into, (byte)(Nibble(_first) << 4 | Nibble(c)));
                _place = Place.Text;
                break;
            case Place.Hex:
                Put(into, (byte)'=');
                Put(into, _first);
                Again(c, into);
                break;
            case Place.Equals or Place.SoftEnd when c is (byte)' ' or (byte)'\t':
                _place = Place.SoftEnd;
                break;
            case Place.Equals or Place.SoftEnd when c == '\r':
                _place = Place.SoftCr;
                break;
            case Place.Equals or Place.SoftEnd or Place.SoftCr when c == '\n':
                _place = Place.Text;
                break;
            case Place.SoftCr: // a bare CR counts as the line end too
                Again(c, into);
                break;
            default:
                Put(into, (byte)'=');
                if (_place == Place.SoftEnd) Put(into, (byte)' ');
                Again(c, into);
                break;
        }
    }

    void Again(byte c, IBufferWriter<byte> into)
    {
        _place = Place.Text;
        One(c, into);
    }

    public override void End(IBufferWriter<byte> into)
    {
        // White space at the very end is padding; "=" there is a soft line end without its line end.
        _heldLength = 0;
        if (_place == Place.Hex)
        {
            Put(into, (byte)'=');
            Put(into, _first);
        }
        _place = Place.Text;
    }

    void Release(IBufferWriter<byte> into)
    {
        if (_heldLength == 0) return;
        into.Write(_held.AsSpan(0, _heldLength));
        _heldLength = 0;
    }

    static void Put(IBufferWriter<byte> into, byte c)
    {
        into.GetSpan(1)[0] = c;
        into.Advance(1);
    }

    internal static bool IsHex(byte c) => char.IsAsciiHexDigit((char)c);

    internal static int Nibble(byte c) => c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}
