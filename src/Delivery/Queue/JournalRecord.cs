using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Posthorn.Delivery.Queue;

/// <summary>The kinds of records of the journal; frozen by a test, they are on disk.</summary>
enum JournalKind : byte
{
    /// <summary>Begins a journal: which run of which process wrote it.</summary>
    Opened = 1,

    /// <summary>The final dot of a message was about to be sent for a recipient.</summary>
    DotSent = 2,

    /// <summary>The peer took the message for a recipient.</summary>
    Taken = 3,
}

/// <summary>One record: length (4 octets), CRC-32C of the rest (4), kind (1), recipient (8), generation (8), time (8), text; little endian.</summary>
/// <param name="Text">Of Opened the owner and the boot, a line each; of Taken the reply.</param>
readonly record struct JournalRecord(JournalKind Kind, long Recipient, long Generation, DateTimeOffset At, string Text)
{
    const int Head = 8;
    const int Fixed = 25;

    /// <summary>A record is no longer than this; what says it is, is damaged.</summary>
    internal const int Longest = 8192;

    internal void Write(ArrayBufferWriter<byte> into)
    {
        var span = into.GetSpan(Head + Fixed + Encoding.UTF8.GetMaxByteCount(Text.Length));
        var text = Encoding.UTF8.GetBytes(Text, span[(Head + Fixed)..]);
        var length = Fixed + Math.Min(text, Longest - Fixed);
        span[Head] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(span[(Head + 1)..], Recipient);
        BinaryPrimitives.WriteInt64LittleEndian(span[(Head + 9)..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(span[(Head + 17)..], At.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt32LittleEndian(span, length);
        BinaryPrimitives.WriteUInt32LittleEndian(span[4..], Checksum(span.Slice(Head, length)));
        into.Advance(Head + length);
    }

    /// <summary>Reads one at the start; false at a torn or damaged one, with which the journal ends.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> from, out JournalRecord record, out int used)
    {
        (record, used) = (default, 0);
        if (from.Length < Head + Fixed) return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(from);
        if (length is < Fixed or > Longest || length > from.Length - Head) return false;
        var rest = from.Slice(Head, length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[4..]) != Checksum(rest)) return false;
        var at = BinaryPrimitives.ReadInt64LittleEndian(rest[17..]);
        if (at < 0 || at > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()) return false;
        record = new JournalRecord((JournalKind)rest[0], BinaryPrimitives.ReadInt64LittleEndian(rest[1..]), BinaryPrimitives.ReadInt64LittleEndian(rest[9..]),
            DateTimeOffset.FromUnixTimeMilliseconds(at), Encoding.UTF8.GetString(rest[Fixed..]));
        used = Head + length;
        return true;
    }

    static uint Checksum(ReadOnlySpan<byte> octets)
    {
        var crc = ~0u;
        while (octets.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(octets));
            octets = octets[8..];
        }
        foreach (var octet in octets) crc = BitOperations.Crc32C(crc, octet);
        return ~crc;
    }
}
