using System.Buffers;
using System.Text;

namespace Posthorn.Mime.Structure;

/// <summary>
/// The stored form of a part tree: a version octet, then each part before its children, all numbers as LEB128 varints.
/// Offsets are distances from the place before, so a plain message takes about fifteen octets. A word is its place in
/// <see cref="WellKnown.Words"/> plus one, or 0, a length and UTF-8.
/// </summary>
static class PartCodec
{
    const byte Version = 1;

    internal static byte[] Encode(Part root)
    {
        var w = new Writer { Buffer = ArrayPool<byte>.Shared.Rent(512) };
        w.Buffer[w.Length++] = Version;
        Write(ref w, root, 0);
        var encoded = w.Buffer.AsSpan(0, w.Length).ToArray();
        ArrayPool<byte>.Shared.Return(w.Buffer);
        return encoded;
    }

    static void Write(ref Writer w, Part part, long from)
    {
        w.Number(part.HeaderStart - from);
        w.Number(part.BodyStart - part.HeaderStart);
        w.Number(part.End - part.BodyStart);
        w.Number(part.Lines);
        w.Word(part.Type);
        w.Word(part.Subtype);
        w.Word(part.Encoding);
        w.Number(part.Parameters.Count);
        for (var i = 0; i < part.Parameters.Count; i++)
        {
            w.Word(part.Parameters[i].Key);
            w.Word(part.Parameters[i].Value);
        }
        w.Number(part.Parts.Count);
        from = part.BodyStart;
        for (var i = 0; i < part.Parts.Count; i++)
        {
            Write(ref w, part.Parts[i], from);
            from = part.Parts[i].End;
        }
    }

    internal static Part Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == 0 || encoded[0] != Version) throw new FormatException("part tree: not version 1");
        var r = new Reader { Rest = encoded[1..] };
        var root = r.Part(0, long.MaxValue, 1);
        if (r.Rest.Length != 0) throw new FormatException("part tree: octets behind its end");
        return root;
    }

    ref struct Writer
    {
        internal byte[] Buffer;
        internal int Length;

        internal void Number(long value)
        {
            Reserve(10);
            var v = (ulong)value;
            for (; v >= 128; v >>= 7) Buffer[Length++] = (byte)(v | 128);
            Buffer[Length++] = (byte)v;
        }

        internal void Word(string word)
        {
            var known = WellKnown.IndexOf(word);
            Number(known + 1);
            if (known >= 0) return;
            var length = Encoding.UTF8.GetByteCount(word);
            Number(length);
            Reserve(length);
            Length += Encoding.UTF8.GetBytes(word, Buffer.AsSpan(Length));
        }

        void Reserve(int more)
        {
            if (Buffer.Length - Length >= more) return;
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Buffer.Length * 2, Length + more));
            Buffer.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = larger;
        }
    }

    ref struct Reader
    {
        internal ReadOnlySpan<byte> Rest;
        int _parts;

        internal Part Part(long from, long limit, int depth)
        {
            if (depth > PartTree.MaxDepth || ++_parts > PartTree.MaxParts) throw new FormatException("part tree: beyond its limits");
            var headerStart = Offset(from, limit);
            var bodyStart = Offset(headerStart, limit);
            var end = Offset(bodyStart, limit);
            var lines = Number();
            string type = Word(), subtype = Word(), encoding = Word();
            var parameters = Parameters();
            var count = Number();
            if (count > PartTree.MaxParts) throw new FormatException("part tree: too many children");
            var parts = count == 0 ? (IReadOnlyList<Part>)[] : Children((int)count, bodyStart, end, depth);
            return new Part
            {
                HeaderStart = headerStart,
                BodyStart = bodyStart,
                End = end,
                Lines = lines,
                Type = type,
                Subtype = subtype,
                Encoding = encoding,
                Parameters = parameters,
                Parts = parts,
            };
        }

        Part[] Children(int count, long from, long limit, int depth)
        {
            var list = new Part[Math.Min(count, Rest.Length)];
            for (var i = 0; i < list.Length; i++)
            {
                list[i] = Part(from, limit, depth + 1);
                from = list[i].End;
            }
            if (list.Length != count) throw new FormatException("part tree: cut off");
            return list;
        }

        IReadOnlyList<KeyValuePair<string, string>> Parameters()
        {
            var count = Number();
            if (count > PartTree.MaxParameters) throw new FormatException("part tree: too many parameters");
            if (count == 0) return [];
            var list = new KeyValuePair<string, string>[count];
            for (var i = 0; i < list.Length; i++) list[i] = new(Word(), Word());
            return list;
        }

        long Offset(long from, long limit)
        {
            var distance = Number();
            if (distance > limit - from) throw new FormatException("part tree: a part outside its parent");
            return from + distance;
        }

        string Word()
        {
            var known = Number();
            if (known > WellKnown.Words.Length) throw new FormatException("part tree: unknown word");
            if (known > 0) return WellKnown.Words[known - 1];
            var length = Number();
            if (length > Rest.Length) throw new FormatException("part tree: cut off");
            var word = Encoding.UTF8.GetString(Rest[..(int)length]);
            Rest = Rest[(int)length..];
            return word;
        }

        long Number()
        {
            ulong value = 0;
            for (var shift = 0; shift < 63; shift += 7)
            {
                if (Rest.Length == 0) throw new FormatException("part tree: cut off");
                var octet = Rest[0];
                Rest = Rest[1..];
                value |= (ulong)(octet & 127) << shift;
                if (octet < 128) return (long)value;
            }
            throw new FormatException("part tree: a number is too long");
        }
    }
}
