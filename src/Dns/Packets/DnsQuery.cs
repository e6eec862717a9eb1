using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Posthorn.Dns.Packets;

/// <summary>Whether a packet answers a question.</summary>
enum QueryMatch
{
    /// <summary>Id, direction, operation and the question to the octet.</summary>
    Ours,

    /// <summary>All but the case of letters: the server does not echo it, or somebody guessed the rest.</summary>
    OtherCase,

    /// <summary>Something else, to be passed over.</summary>
    NotOurs,
}

/// <summary>One question as it goes out (RFC 1035 §4.1): an id and the case of its letters are random, so that an answer shows that its sender has seen it.</summary>
sealed class DnsQuery
{
    internal const int HeaderSize = 12;

    /// <summary>The UDP answer that passes everywhere without fragments (RFC 6891 §6.2.5; the value is that of the DNS flag day 2020).</summary>
    internal const int UdpSize = 1232;

    const int FormErr = 1, NotImp = 4;
    const int ClassIn = 1;
    readonly byte[] _octets;
    readonly int _nameLength;

    DnsQuery(byte[] octets, int nameLength) => (_octets, _nameLength) = (octets, nameLength);

    internal ReadOnlyMemory<byte> Octets => _octets;

    /// <param name="name">A name of <see cref="DnsName.Normalise"/>.</param>
    /// <param name="edns">With an OPT record (RFC 6891). Some old servers refuse it.</param>
    internal static DnsQuery Create(string name, DnsType type, bool edns)
    {
        var nameLength = name.Length == 0 ? 1 : name.Length + 2;
        var octets = new byte[HeaderSize + nameLength + 4 + (edns ? 11 : 0)];
        Span<byte> random = stackalloc byte[2 + DnsName.MaxWire / 8 + 1];
        RandomNumberGenerator.Fill(random);
        random[..2].CopyTo(octets);
        octets[2] = 0x01; // RD
        octets[3] = 0x20; // AD in a question asks for AD in the answer (RFC 6840 §5.7)
        octets[5] = 1;
        octets[11] = edns ? (byte)1 : (byte)0;
        WriteName(name, octets.AsSpan(HeaderSize, nameLength), random[2..]);
        var rest = octets.AsSpan(HeaderSize + nameLength);
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(rest[2..], ClassIn);
        if (edns)
        {
            rest[6] = 41; // OPT of the root; all the flags and the version are 0
            BinaryPrimitives.WriteUInt16BigEndian(rest[7..], UdpSize);
        }
        return new DnsQuery(octets, nameLength);
    }

    /// <summary>Holds a packet against this question. Reads nothing but header and question.</summary>
    internal QueryMatch Match(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < HeaderSize || !packet[..2].SequenceEqual(_octets.AsSpan(0, 2))) return QueryMatch.NotOurs;
        if ((packet[2] & 0xF8) != 0x80) return QueryMatch.NotOurs; // QR, and opcode 0
        var questions = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        // Who cannot read the question need not repeat it; all that this leads to is a question without EDNS.
        if (questions == 0 && (packet[3] & 0x0F) is FormErr or NotImp) return QueryMatch.Ours;
        if (questions != 1 || packet.Length < HeaderSize + _nameLength + 4) return QueryMatch.NotOurs;
        var asked = _octets.AsSpan(HeaderSize, _nameLength + 4);
        var said = packet.Slice(HeaderSize, _nameLength + 4);
        if (said.SequenceEqual(asked)) return QueryMatch.Ours;
        return said[_nameLength..].SequenceEqual(asked[_nameLength..]) && Ascii.EqualsIgnoreCase(said[.._nameLength], asked[.._nameLength]) ? QueryMatch.OtherCase : QueryMatch.NotOurs;
    }

    static void WriteName(string name, Span<byte> into, ReadOnlySpan<byte> random)
    {
        if (name.Length == 0) return;
        var label = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '.') label = i + 1;
            else
            {
                into[label]++;
                var upper = char.IsAsciiLetter(name[i]) && (random[i >> 3] >> (i & 7) & 1) == 1;
                into[i + 1] = (byte)(upper ? name[i] & ~0x20 : name[i]);
            }
        }
    }
}
