using System.Buffers;
using System.Buffers.Text;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// base64 (RFC 2045 §6.8). Octets outside the alphabet are passed over; padding ends a quantum and text may go on behind it,
/// since some programs join encoded pieces. Whole lines go through the runtime's vector code.
/// </summary>
sealed class Base64Decoder : TransferDecoder
{
    static readonly SearchValues<byte> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8);

    int _bits, _value;

    public override void Decode(ReadOnlySpan<byte> octets, IBufferWriter<byte> into)
    {
        while (octets.Length > 0)
        {
            if (_bits == 0)
            {
                var run = octets.IndexOfAnyExcept(Alphabet);
                if (run < 0) run = octets.Length;
                run &= ~3;
                if (run > 0)
                {
                    var room = into.GetSpan(run / 4 * 3);
                    Base64.DecodeFromUtf8(octets[..run], room, out _, out var written, isFinalBlock: false);
                    into.Advance(written);
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
        if (c == '=')
        {
            // Bits left over are padding; a quantum of one character held nothing.
            _bits = 0;
            return;
        }
        var six = Six(c);
        if (six < 0) return;
        _value = (_value << 6 | six) & 0xFFFF;
        _bits += 6;
        if (_bits < 8) return;
        _bits -= 8;
        into.GetSpan(1)[0] = (byte)(_value >> _bits);
        into.Advance(1);
    }

    /// <summary>The value of a character of the alphabet, -1 for another.</summary>
    internal static int Six(byte c) => c switch
    {
        >= (byte)'A' and <= (byte)'Z' => c - 'A',
        >= (byte)'a' and <= (byte)'z' => c - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => c - '0' + 52,
        (byte)'+' => 62,
        (byte)'/' => 63,
        _ => -1,
    };
}
