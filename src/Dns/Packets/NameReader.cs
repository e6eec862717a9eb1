namespace Posthorn.Dns.Packets;

/// <summary>Reads names out of a packet (RFC 1035 §3.1, §4.1.4). Never reads outside it and never goes in circles.</summary>
static class NameReader
{
    /// <summary>Characters that the longest name can take: each octet may become an escape of four.</summary>
    internal const int MaxText = DnsName.MaxWire * 4;

    const int MaxJumps = 16;

    /// <summary>
    /// Reads the name at <paramref name="at"/> and moves behind it. False for a label that runs out of the packet, a name
    /// over 255 octets, a pointer that does not lead strictly backwards, more than 16 of them, or an unknown kind of label.
    /// </summary>
    /// <param name="text">Takes the name in lower case; octets that are no printable ASCII, dots and backslashes of a label as <c>\DDD</c> (RFC 1035 §5.1).</param>
    internal static bool TryRead(ReadOnlySpan<byte> packet, ref int at, Span<char> text, out int length)
    {
        length = 0;
        var (position, behind, wire, jumps) = (at, -1, 1, 0);
        // Each jump must lead in front of everything read so far, so the same octets are never read twice.
        var start = at;
        while (position < packet.Length)
        {
            int octet = packet[position];
            switch (octet >> 6)
            {
                case 0 when octet == 0:
                    at = behind < 0 ? position + 1 : behind;
                    return true;
                case 0:
                    wire += octet + 1;
                    if (wire > DnsName.MaxWire || position + 1 + octet > packet.Length) return false;
                    if (length > 0) text[length++] = '.';
                    foreach (var b in packet.Slice(position + 1, octet)) Append(b, text, ref length);
                    position += 1 + octet;
                    break;
                case 3:
                    if (position + 1 >= packet.Length || ++jumps > MaxJumps) return false;
                    var target = (octet & 0x3F) << 8 | packet[position + 1];
                    if (target >= start) return false;
                    if (behind < 0) behind = position + 2;
                    start = position = target;
                    break;
                default:
                    return false;
            }
        }
        return false;
    }

    static void Append(byte octet, Span<char> text, ref int length)
    {
        if (octet is > (byte)' ' and < 0x7F and not (byte)'.' and not (byte)'\\')
        {
            text[length++] = char.ToLowerInvariant((char)octet);
            return;
        }
        text[length++] = '\\';
        text[length++] = (char)('0' + octet / 100);
        text[length++] = (char)('0' + octet / 10 % 10);
        text[length++] = (char)('0' + octet % 10);
    }
}
