using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Posthorn.Dns.Packets;

/// <summary>Takes answers apart. Any octets are allowed: the result is a reply or null, in time linear in the packet's size.</summary>
ref struct ReplyReader
{
    const int Soa = 6, Opt = 41, ExtendedError = 15;
    readonly ReadOnlySpan<byte> _packet;
    readonly DnsType _type;
    readonly TimeSpan _minTtl;
    readonly TimeSpan _maxTtl;
    readonly Span<char> _text;
    int _at;

    ReplyReader(ReadOnlySpan<byte> packet, DnsType type, TimeSpan minTtl, TimeSpan maxTtl, Span<char> text)
    {
        (_type, _minTtl, _maxTtl, _at) = (type, minTtl, maxTtl, DnsQuery.HeaderSize);
        _packet = packet;
        _text = text;
    }

    /// <summary>True when the packet says that there is more than it holds (TC): then only its header may be used.</summary>
    internal static bool IsTruncated(ReadOnlySpan<byte> packet) => (packet[2] & 0x02) != 0;

    /// <summary>Reads a packet that <see cref="DnsQuery.Match"/> has let through; null when it breaks any rule of the format.</summary>
    /// <param name="minTtl">Shorter lives of records are made this long.</param>
    /// <param name="maxTtl">Longer ones this short.</param>
    internal static DnsReply? Read(ReadOnlySpan<byte> packet, DnsType type, TimeSpan minTtl, TimeSpan maxTtl)
    {
        if (packet.Length < DnsQuery.HeaderSize) return null;
        var reader = new ReplyReader(packet, type, minTtl, maxTtl, stackalloc char[NameReader.MaxText]);
        return reader.Read();
    }

    DnsReply? Read()
    {
        var (questions, answers, authorities, additionals) = (Count(4), Count(6), Count(8), Count(10));
        for (; questions > 0; questions--)
            if (!Name(out _) || !Skip(4)) return null;
        var records = new List<OwnedRecord>(Math.Min(answers, 16));
        for (; answers > 0; answers--)
        {
            if (!Name(out var ownerLength) || !Fixed(out var type, out var inClass, out var ttl, out var end)) return null;
            // Other types are not looked into: signatures, and what the server thinks is of use.
            if (inClass && (type == (int)_type || type == (int)DnsType.Cname))
            {
                var owner = _text[..ownerLength].ToString();
                if (Record((DnsType)type, Clamped(ttl), end) is not { } record || _at != end) return null;
                records.Add(new(owner, record, type == (int)DnsType.Cname && _type != DnsType.Cname));
            }
            _at = end;
        }
        TimeSpan? negative = null;
        for (; authorities > 0; authorities--)
        {
            if (!Name(out _) || !Fixed(out var type, out var inClass, out var ttl, out var end)) return null;
            if (inClass && type == Soa && negative is null)
            {
                if (!Name(out _) || !Name(out _) || _at + 20 != end) return null;
                negative = Seconds(Math.Min(ttl, Valid(BinaryPrimitives.ReadUInt32BigEndian(_packet[(end - 4)..]))));
            }
            _at = end;
        }
        var rcode = _packet[3] & 0x0F;
        int? error = null;
        for (; additionals > 0; additionals--)
        {
            if (!Name(out _)) return null;
            var extension = _at + 4 < _packet.Length ? _packet[_at + 4] : 0;
            if (!Fixed(out var type, out _, out _, out var end)) return null;
            if (type == Opt)
            {
                rcode |= extension << 4;
                if (!Options(end, ref error)) return null;
            }
            _at = end;
        }
        return new DnsReply(rcode, (_packet[2] & 0x04) != 0, (_packet[3] & 0x80) != 0, (_packet[3] & 0x20) != 0, records, negative, error);
    }

    readonly int Count(int at) => BinaryPrimitives.ReadUInt16BigEndian(_packet[at..]);

    bool Name(out int length) => NameReader.TryRead(_packet, ref _at, _text, out length);

    bool Skip(int octets)
    {
        _at += octets;
        return _at <= _packet.Length;
    }

    /// <summary>Type, class, life and length of a record; the data reaches to <paramref name="end"/>.</summary>
    bool Fixed(out int type, out bool inClass, out uint ttl, out int end)
    {
        (type, inClass, ttl, end) = (0, false, 0, 0);
        if (_at + 10 > _packet.Length) return false;
        var head = _packet.Slice(_at, 10);
        type = BinaryPrimitives.ReadUInt16BigEndian(head);
        inClass = BinaryPrimitives.ReadUInt16BigEndian(head[2..]) == 1;
        ttl = Valid(BinaryPrimitives.ReadUInt32BigEndian(head[4..]));
        _at += 10;
        end = _at + BinaryPrimitives.ReadUInt16BigEndian(head[8..]);
        return end <= _packet.Length;
    }

    /// <summary>The data of one record; null when it is not of its form. What it leaves unread the caller finds.</summary>
    DnsRecord? Record(DnsType type, TimeSpan ttl, int end)
    {
        var data = _packet[_at..end];
        switch (type)
        {
            case DnsType.A or DnsType.Aaaa:
                if (data.Length != (type == DnsType.A ? 4 : 16)) return null;
                _at = end;
                return new DnsRecord.Host(new IPAddress(data), ttl);
            case DnsType.Mx:
                return data.Length > 2 && Skip(2) && Name(out var mx) ? new DnsRecord.Mx(BinaryPrimitives.ReadUInt16BigEndian(data), _text[..mx].ToString(), ttl) : null;
            case DnsType.Txt:
                return Strings(data) is { } text && Skip(data.Length) ? new DnsRecord.Txt(text, ttl) : null;
            case DnsType.Tlsa:
                return data.Length > 3 && Skip(data.Length) ? new DnsRecord.Tlsa(data[0], data[1], data[2], data[3..].ToArray(), ttl) : null;
            case DnsType.Srv:
                return data.Length > 6 && Skip(6) && Name(out var srv)
                    ? new DnsRecord.Srv(BinaryPrimitives.ReadUInt16BigEndian(data), BinaryPrimitives.ReadUInt16BigEndian(data[2..]), BinaryPrimitives.ReadUInt16BigEndian(data[4..]), _text[..srv].ToString(), ttl)
                    : null;
            default:
                return Name(out var name) ? new DnsRecord.Name(_text[..name].ToString(), ttl) : null;
        }
    }

    /// <summary>The strings of a TXT record, joined; null when the last one runs over the end.</summary>
    static string? Strings(ReadOnlySpan<byte> data)
    {
        var text = new StringBuilder(data.Length);
        while (data.Length > 0)
        {
            var length = data[0];
            if (1 + length > data.Length) return null;
            text.Append(Encoding.Latin1.GetString(data.Slice(1, length)));
            data = data[(1 + length)..];
        }
        return text.ToString();
    }

    /// <summary>Looks for the first extended error among the options of an OPT record (RFC 6891 §6.1.2, RFC 8914 §2).</summary>
    readonly bool Options(int end, ref int? error)
    {
        var data = _packet[_at..end];
        while (data.Length > 0)
        {
            if (data.Length < 4) return false;
            var (code, length) = (BinaryPrimitives.ReadUInt16BigEndian(data), BinaryPrimitives.ReadUInt16BigEndian(data[2..]));
            if (4 + length > data.Length) return false;
            if (code == ExtendedError && length >= 2) error ??= BinaryPrimitives.ReadUInt16BigEndian(data[4..]);
            data = data[(4 + length)..];
        }
        return true;
    }

    // RFC 2181 §8: a life with its highest bit set counts as none.
    static uint Valid(uint ttl) => ttl > int.MaxValue ? 0 : ttl;

    static TimeSpan Seconds(uint ttl) => TimeSpan.FromSeconds(ttl);

    readonly TimeSpan Clamped(uint ttl) => TimeSpan.FromTicks(Math.Clamp(Seconds(ttl).Ticks, _minTtl.Ticks, _maxTtl.Ticks));
}
