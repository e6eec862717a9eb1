using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Posthorn.Search.Segments;

/// <summary>How a list of messages is written: whatever is shortest.</summary>
enum PostingForm
{
    /// <summary>The messages, as differences.</summary>
    Present = 0,

    /// <summary>A bit for each message of the segment.</summary>
    Bits = 1,

    /// <summary>The messages that are not in the list, as differences.</summary>
    Absent = 2,
}

/// <summary>One stored list of messages: of a segment's messages, counted from 0, those that have a trigram.</summary>
/// <param name="Count">How many messages are written: those in the list, or for <see cref="PostingForm.Absent"/> those that are not.</param>
readonly record struct Postings(PostingForm Form, int Count, ReadOnlyMemory<byte> Octets)
{
    internal static readonly Postings None = new(PostingForm.Present, 0, default);

    /// <summary>Messages in the list, of <paramref name="all"/> of the segment.</summary>
    internal int Length(int all) => Form == PostingForm.Absent ? all - Count : Count;

    /// <summary>Writes form, count and octets of an ascending list.</summary>
    internal static void Write(ReadOnlySpan<int> list, int all, ArrayBufferWriter<byte> into)
    {
        var sparse = all / 8;
        if (list.Length <= sparse)
        {
            Varint.Write((uint)list.Length << 2 | (uint)PostingForm.Present, into);
            WriteDifferences(list, list.Length, into);
        }
        else if (all - list.Length <= sparse)
        {
            Varint.Write((uint)(all - list.Length) << 2 | (uint)PostingForm.Absent, into);
            var absent = ArrayPool<int>.Shared.Rent(Math.Max(1, all - list.Length));
            var n = 0;
            for (int message = 0, at = 0; message < all; message++)
                if (at < list.Length && list[at] == message) at++;
                else absent[n++] = message;
            WriteDifferences(absent, n, into);
            ArrayPool<int>.Shared.Return(absent);
        }
        else
        {
            Varint.Write((uint)list.Length << 2 | (uint)PostingForm.Bits, into);
            var bits = into.GetSpan((all + 7) / 8)[..((all + 7) / 8)];
            bits.Clear();
            foreach (var message in list) bits[message >> 3] |= (byte)(1 << (message & 7));
            into.Advance(bits.Length);
        }
    }

    /// <summary>The length in octets stands before the differences, so that a reader can pass over them.</summary>
    static void WriteDifferences(ReadOnlySpan<int> list, int count, ArrayBufferWriter<byte> into)
    {
        if (count == 0) return;
        var octets = 0;
        var last = -1;
        foreach (var message in list[..count])
        {
            octets += Varint.Length((uint)(message - last - 1));
            last = message;
        }
        Varint.Write((uint)octets, into);
        last = -1;
        foreach (var message in list[..count])
        {
            Varint.Write((uint)(message - last - 1), into);
            last = message;
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote, without looking at the messages; throws <see cref="FormatException"/>.</summary>
    internal static Postings Read(ReadOnlyMemory<byte> page, ref int at, int all)
    {
        var head = Varint.Read(page.Span, ref at);
        var (form, count) = ((PostingForm)(head & 3), (int)(head >> 2));
        if (count > all || form > PostingForm.Absent) throw new FormatException("a list of messages is longer than its segment");
        var length = form == PostingForm.Bits ? (all + 7) / 8 : count == 0 ? 0 : (int)Varint.Read(page.Span, ref at);
        if (length < 0 || length > page.Length - at) throw new FormatException("a list of messages ends behind its page");
        at += length;
        return new Postings(form, count, page.Slice(at - length, length));
    }

    /// <summary>Appends the messages, ascending.</summary>
    internal void CopyTo(List<int> into, int all)
    {
        var octets = Octets.Span;
        switch (Form)
        {
            case PostingForm.Bits:
                for (var word = 0; word * 64 < all; word++)
                    for (var bits = Word(octets, word); bits != 0; bits &= bits - 1)
                        into.Add(word * 64 + System.Numerics.BitOperations.TrailingZeroCount(bits));
                break;
            case PostingForm.Present:
                for (int i = 0, at = 0, message = -1; i < Count; i++)
                {
                    message += (int)Varint.Read(octets, ref at) + 1;
                    into.Add(message);
                }
                break;
            default:
                var next = 0;
                for (int i = 0, at = 0, absent = -1; i < Count; i++)
                {
                    absent += (int)Varint.Read(octets, ref at) + 1;
                    while (next < absent) into.Add(next++);
                    next = absent + 1;
                }
                while (next < all) into.Add(next++);
                break;
        }
    }

    /// <summary>Keeps of an ascending list the messages that are in this one too.</summary>
    internal void Narrow(List<int> list)
    {
        var messages = CollectionsMarshal.AsSpan(list);
        var octets = Octets.Span;
        var kept = 0;
        if (Form == PostingForm.Bits)
        {
            foreach (var message in messages)
                if ((octets[message >> 3] & 1 << (message & 7)) != 0) messages[kept++] = message;
        }
        else
        {
            var (at, read, written, keep) = (0, 0, -1, Form == PostingForm.Present);
            foreach (var message in messages)
            {
                while (written < message && read < Count)
                {
                    written += (int)Varint.Read(octets, ref at) + 1;
                    read++;
                }
                if ((written == message) == keep) messages[kept++] = message;
            }
        }
        list.RemoveRange(kept, list.Count - kept);
    }

    static ulong Word(ReadOnlySpan<byte> bits, int word)
    {
        var rest = bits[(word * 8)..];
        if (rest.Length >= 8) return BinaryPrimitives.ReadUInt64LittleEndian(rest);
        Span<byte> last = stackalloc byte[8];
        last.Clear();
        rest.CopyTo(last);
        return BinaryPrimitives.ReadUInt64LittleEndian(last);
    }
}
