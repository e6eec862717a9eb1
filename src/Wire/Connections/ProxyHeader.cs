using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Posthorn.Wire.Connections;

/// <summary>
/// The header that HAProxy and its like put before a connection to tell who the client is (the PROXY protocol, versions 1
/// and 2). Believed only from networks that the listener names; from those it is required.
/// </summary>
public static class ProxyHeader
{
    const int MaxVersion1 = 107;
    const int MaxVersion2 = 16 + 4096;

    /// <summary>What was found at the start of the octets.</summary>
    public enum Found
    {
        /// <summary>More octets are needed.</summary>
        Incomplete,

        /// <summary>A header with addresses.</summary>
        Proxied,

        /// <summary>A header that says to keep the connection's own addresses (UNKNOWN, LOCAL, a family that is not IP).</summary>
        Own,

        /// <summary>No header, or a broken one.</summary>
        Bad,
    }

    static ReadOnlySpan<byte> Signature2 => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Reads a header; <paramref name="length"/> is how many octets it takes.</summary>
    public static Found Read(ReadOnlySpan<byte> octets, out IPEndPoint? source, out IPEndPoint? destination, out int length)
    {
        source = destination = null;
        length = 0;
        if (octets.IsEmpty) return Found.Incomplete;
        var common = Math.Min(octets.Length, Signature2.Length);
        if (octets[..common].SequenceEqual(Signature2[..common]))
            return octets.Length < 16 ? Found.Incomplete : Read2(octets, out source, out destination, out length);
        return Read1(octets, out source, out destination, out length);
    }

    static Found Read1(ReadOnlySpan<byte> octets, out IPEndPoint? source, out IPEndPoint? destination, out int length)
    {
        source = destination = null;
        length = 0;
        var common = Math.Min(octets.Length, 6);
        if (!octets[..common].SequenceEqual("PROXY "u8[..common])) return Found.Bad;
        var end = octets[..Math.Min(octets.Length, MaxVersion1)].IndexOf("\r\n"u8);
        if (end < 0) return octets.Length >= MaxVersion1 ? Found.Bad : Found.Incomplete;
        length = end + 2;
        var words = octets[6..end];
        if (words.StartsWith("UNKNOWN"u8)) return Found.Own;
        Span<Range> w = stackalloc Range[6];
        var text = Encoding.ASCII.GetString(words).AsSpan();
        if (text.Split(w, ' ') != 5 || text[w[0]] is not ("TCP4" or "TCP6")) return Found.Bad;
        if (!TryEndPoint(text[w[1]], text[w[3]], out source) || !TryEndPoint(text[w[2]], text[w[4]], out destination)) return Found.Bad;
        return source!.AddressFamily == destination!.AddressFamily ? Found.Proxied : Found.Bad;
    }

    static bool TryEndPoint(ReadOnlySpan<char> address, ReadOnlySpan<char> port, out IPEndPoint? endPoint)
    {
        endPoint = null;
        if (!IPAddress.TryParse(address, out var ip)) return false;
        if (!ushort.TryParse(port, System.Globalization.NumberStyles.None, null, out var p)) return false;
        endPoint = new IPEndPoint(ip, p);
        return true;
    }

    static Found Read2(ReadOnlySpan<byte> octets, out IPEndPoint? source, out IPEndPoint? destination, out int length)
    {
        source = destination = null;
        length = 16 + BinaryPrimitives.ReadUInt16BigEndian(octets[14..]);
        if (octets[12] >> 4 != 2 || length > MaxVersion2) return Found.Bad;
        if (octets.Length < length) return Found.Incomplete;
        var command = octets[12] & 0xF;
        if (command == 0) return Found.Own; // LOCAL: the proxy's own health check
        if (command != 1) return Found.Bad;
        var rest = octets[16..length];
        switch (octets[13])
        {
            case 0x11 when rest.Length >= 12:
                source = new(new IPAddress(rest[..4]), BinaryPrimitives.ReadUInt16BigEndian(rest[8..]));
                destination = new(new IPAddress(rest[4..8]), BinaryPrimitives.ReadUInt16BigEndian(rest[10..]));
                return Found.Proxied;
            case 0x21 when rest.Length >= 36:
                source = new(new IPAddress(rest[..16]), BinaryPrimitives.ReadUInt16BigEndian(rest[32..]));
                destination = new(new IPAddress(rest[16..32]), BinaryPrimitives.ReadUInt16BigEndian(rest[34..]));
                return Found.Proxied;
            case 0x11 or 0x21:
                return Found.Bad;
            default:
                return Found.Own;
        }
    }
}
