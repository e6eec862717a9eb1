using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Posthorn.Delivery.Inbound;

/// <summary>Writes header lines into a buffer that is large enough for what the grammar allows; running over it is a fault.</summary>
ref struct OctetWriter(Span<byte> buffer)
{
    readonly Span<byte> _buffer = buffer;
    int _length;

    internal readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    internal void Add(scoped ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(_buffer[_length..]);
        _length += octets.Length;
    }

    /// <summary>Adds text of our own or of a parsed address; no control character gets through, whatever the source.</summary>
    internal void Add(scoped ReadOnlySpan<char> text)
    {
        var n = Encoding.UTF8.GetBytes(text, _buffer[_length..]);
        foreach (ref var c in _buffer.Slice(_length, n))
            if (c < 32 || c == 127) c = (byte)'?';
        _length += n;
    }

    /// <summary>Adds a name that a stranger gave (HELO, reverse name): what cannot stand in a domain or an address literal becomes "?".</summary>
    internal void AddName(scoped ReadOnlySpan<char> name)
    {
        foreach (var c in name.Length > 255 ? name[..255] : name)
            _buffer[_length++] = char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']' ? (byte)c : (byte)'?';
        if (name.Length == 0) _buffer[_length++] = (byte)'?';
    }

    /// <summary>Adds an address literal (RFC 5321 §4.1.3).</summary>
    internal void AddLiteral(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Add(address.AddressFamily == AddressFamily.InterNetworkV6 ? "[IPv6:"u8 : "["u8);
        Span<char> text = stackalloc char[64];
        address.TryFormat(text, out var n);
        var scope = text[..n].IndexOf('%');
        Add(scope < 0 ? text[..n] : text[..scope]);
        Add("]"u8);
    }

    /// <summary>Adds a date as RFC 5322 §3.3 has it, in UTC.</summary>
    internal void AddDate(DateTimeOffset at)
    {
        var utc = at.UtcDateTime;
        Add("SunMonTueWedThuFriSat"u8.Slice((int)utc.DayOfWeek * 3, 3));
        Add(", "u8);
        Add(utc.Day, 1);
        Add(" "u8);
        Add("JanFebMarAprMayJunJulAugSepOctNovDec"u8.Slice((utc.Month - 1) * 3, 3));
        Add(" "u8);
        Add(utc.Year, 4);
        Add(" "u8);
        Add(utc.Hour, 2);
        Add(":"u8);
        Add(utc.Minute, 2);
        Add(":"u8);
        Add(utc.Second, 2);
        Add(" +0000"u8);
    }

    /// <summary>Adds a number with at least so many digits.</summary>
    internal void Add(int number, byte digits)
    {
        Utf8Formatter.TryFormat(number, _buffer[_length..], out var n, new System.Buffers.StandardFormat('D', digits));
        _length += n;
    }
}
