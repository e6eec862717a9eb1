using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Posthorn.Mime.Envelopes;

/// <summary>
/// Writes IMAP response text (RFC 9051 §9: string, nstring, number) into a pooled array. What it writes is right for both
/// flavours of IMAP: text that is not ASCII is a literal, since only rev2 takes UTF-8 in quotes. NUL, CR and LF never get out.
/// </summary>
struct ImapText
{
    /// <summary>What may stand in a quoted string as it is. Control characters are legal there, yet no terminal should see them raw.</summary>
    static readonly SearchValues<byte> Quotable = SearchValues.Create(
        "\t !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    byte[] _array;

    internal ImapText(int size) => _array = ArrayPool<byte>.Shared.Rent(size);

    internal int Length { get; private set; }

    internal readonly ReadOnlySpan<byte> Written => _array.AsSpan(0, Length);

    internal void Release()
    {
        ArrayPool<byte>.Shared.Return(_array);
        _array = [];
        Length = 0;
    }

    /// <summary>Takes back what was written behind <paramref name="length"/>.</summary>
    internal void Truncate(int length) => Length = length;

    internal void Raw(ReadOnlySpan<byte> octets)
    {
        Reserve(octets.Length);
        octets.CopyTo(_array.AsSpan(Length));
        Length += octets.Length;
    }

    internal void Raw(byte octet)
    {
        Reserve(1);
        _array[Length++] = octet;
    }

    internal void Number(long value)
    {
        Reserve(20);
        Utf8Formatter.TryFormat(value, _array.AsSpan(Length), out var n);
        Length += n;
    }

    /// <summary>NIL for null, else a string.</summary>
    internal void NString(string? text)
    {
        if (text is null) Raw("NIL"u8);
        else String(text);
    }

    internal void String(string text)
    {
        if (text.Length > 256)
        {
            String(Encoding.UTF8.GetBytes(text));
            return;
        }
        Span<byte> octets = stackalloc byte[256 * 3];
        String(octets[..Encoding.UTF8.GetBytes(text, octets)]);
    }

    /// <summary>A quoted string where that can be, else a literal. Line ends are left out, a NUL becomes "?".</summary>
    internal void String(ReadOnlySpan<byte> octets)
    {
        if (octets.IndexOfAnyExcept(Quotable) < 0)
        {
            Reserve(octets.Length + 2);
            _array[Length++] = (byte)'"';
            octets.CopyTo(_array.AsSpan(Length));
            Length += octets.Length;
            _array[Length++] = (byte)'"';
            return;
        }
        int escapes = 0, gone = 0;
        var literal = false;
        foreach (var c in octets)
        {
            if (c is (byte)'"' or (byte)'\\') escapes++;
            else if (c is (byte)'\r' or (byte)'\n') gone++;
            else if (c is >= 127 or < 32 and not (byte)'\t') literal = true;
        }
        if (literal)
        {
            Raw((byte)'{');
            Number(octets.Length - gone);
            Raw("}\r\n"u8);
        }
        else Raw((byte)'"');
        Reserve(octets.Length + escapes);
        foreach (var c in octets)
        {
            if (c is (byte)'\r' or (byte)'\n') continue;
            if (!literal && c is (byte)'"' or (byte)'\\') _array[Length++] = (byte)'\\';
            _array[Length++] = c == 0 ? (byte)'?' : c;
        }
        if (!literal) Raw((byte)'"');
    }

    void Reserve(int more)
    {
        if (_array.Length - Length >= more) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_array.Length * 2, Length + more));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
