using System.Buffers.Binary;
using System.Net;
using System.Text;
using Posthorn.Dns;

namespace Posthorn.Tests.Testing.Dns;

/// <summary>Writes DNS packets without any help of the code under test; whatever is asked for, also what is wrong.</summary>
public sealed class DnsWriter
{
    readonly MemoryStream _octets = new();

    public static DnsWriter Answer(ushort id, int flags, int questions = 1, int answers = 0, int authorities = 0, int additionals = 0)
    {
        var writer = new DnsWriter();
        return writer.U16(id).U16(flags).U16(questions).U16(answers).U16(authorities).U16(additionals);
    }

    public byte[] ToArray() => _octets.ToArray();

    public int Length => (int)_octets.Length;

    public DnsWriter U8(int value)
    {
        _octets.WriteByte((byte)value);
        return this;
    }

    public DnsWriter U16(int value) => U8(value >> 8).U8(value);

    public DnsWriter U32(uint value) => U16((int)(value >> 16)).U16((int)value);

    public DnsWriter Raw(ReadOnlySpan<byte> octets)
    {
        _octets.Write(octets);
        return this;
    }

    /// <summary>A name without compression, in the case it is given in.</summary>
    public DnsWriter Name(string name)
    {
        foreach (var label in name.TrimEnd('.').Split('.', StringSplitOptions.RemoveEmptyEntries)) U8(label.Length).Raw(Encoding.Latin1.GetBytes(label));
        return U8(0);
    }

    public DnsWriter Pointer(int to) => U16(0xC000 | to);

    public DnsWriter Question(string name, DnsType type) => Name(name).U16((int)type).U16(1);

    public DnsWriter Record(string owner, int type, uint ttl, ReadOnlySpan<byte> data) => Name(owner).Rest(type, ttl, data);

    /// <summary>A record behind its owner.</summary>
    public DnsWriter Rest(int type, uint ttl, ReadOnlySpan<byte> data) => U16(type).U16(1).U32(ttl).U16(data.Length).Raw(data);

    /// <summary>An OPT record; with an extended error (RFC 8914) when one is named.</summary>
    public DnsWriter Opt(int? error = null, int extendedRcode = 0)
    {
        U8(0).U16(41).U16(1232).U8(extendedRcode).U8(0).U16(0).U16(error is null ? 0 : 10);
        return error is { } code ? U16(15).U16(6).U16(code).Raw("text"u8) : this;
    }

    public static byte[] Soa(uint minimum) => new DnsWriter().Name("ns.invalid").Name("admin.invalid").U32(1).U32(2).U32(3).U32(4).U32(minimum).ToArray();

    /// <summary>Record data from words as in a zone file: "192.0.2.1", "10 mx.example", "0 5 25 host.example", "3 1 1 0a0b"; a TXT is its text.</summary>
    public static byte[] Data(DnsType type, string text)
    {
        var words = text.Split(' ');
        var writer = new DnsWriter();
        switch (type)
        {
            case DnsType.A or DnsType.Aaaa:
                return IPAddress.Parse(text).GetAddressBytes();
            case DnsType.Mx:
                return writer.U16(int.Parse(words[0], null)).Name(words[1]).ToArray();
            case DnsType.Srv:
                return writer.U16(int.Parse(words[0], null)).U16(int.Parse(words[1], null)).U16(int.Parse(words[2], null)).Name(words[3]).ToArray();
            case DnsType.Tlsa:
                return writer.U8(int.Parse(words[0], null)).U8(int.Parse(words[1], null)).U8(int.Parse(words[2], null)).Raw(Convert.FromHexString(words[3])).ToArray();
            case DnsType.Txt:
                foreach (var part in text.Chunk(255)) writer.U8(part.Length).Raw(Encoding.Latin1.GetBytes(part));
                return writer.ToArray();
            default:
                return writer.Name(text).ToArray();
        }
    }

    /// <summary>The question of a packet: its name in the case it came in, its type, and where it ends.</summary>
    public static (string Name, DnsType Type, int End) ReadQuestion(ReadOnlySpan<byte> packet)
    {
        var name = new StringBuilder();
        var at = 12;
        while (packet[at] != 0)
        {
            if (name.Length > 0) name.Append('.');
            name.Append(Encoding.Latin1.GetString(packet.Slice(at + 1, packet[at])));
            at += 1 + packet[at];
        }
        return (name.ToString(), (DnsType)BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 1)..]), at + 5);
    }
}
