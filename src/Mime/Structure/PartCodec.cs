using System.Buffers;
using System.Text;
using Posthorn.Mime.Envelopes;

namespace Posthorn.Mime.Structure;

/// <summary>
/// The stored form of a part tree: a version octet, ENVELOPE and BODYSTRUCTURE as IMAP text with a length before each, the
/// text of References with its length plus one (0: not kept), then each part before its children, all numbers as LEB128 varints. Offsets are distances from the place before, so the tree of
/// a plain message takes about fifteen octets. A word is its place in <see cref="WellKnown.Words"/> plus one, or 0, a length
/// and UTF-8. The first version had no text, and of a part nothing behind its parameters; the second one
/// had no References. Both are still read.
/// </summary>
static class PartCodec
{
    const byte FirstVersion = 1;
    const byte WithoutReferences = 2;
    const byte Version = 3;

    /// <summary>Which rare fields of a part follow. The bits are on disk.</summary>
    [Flags]
    enum Has
    {
        Id = 1,
        Description = 2,
        Md5 = 4,
        Disposition = 8,
        Languages = 16,
        Location = 32,
        Envelope = 64,
    }

    internal static byte[] Encode(Part root)
    {
        var w = new Writer { Buffer = ArrayPool<byte>.Shared.Rent(512) };
        w.Buffer[w.Length++] = Version;
        w.Octets(root.Envelope.Span);
        var structure = new ImapText(512);
        StructureText.Write(root, extended: true, ref structure);
        w.Octets(structure.Written);
        structure.Release();
        if (root.References is not { } references) w.Number(0);
        else w.Octets(references.Span, plus: 1);
        Write(ref w, root, 0, isRoot: true);
        var encoded = w.Buffer.AsSpan(0, w.Length).ToArray();
        ArrayPool<byte>.Shared.Return(w.Buffer);
        return encoded;
    }

    static void Write(ref Writer w, Part part, long from, bool isRoot)
    {
        w.Number(part.HeaderStart - from);
        w.Number(part.BodyStart - part.HeaderStart);
        w.Number(part.End - part.BodyStart);
        w.Number(part.Lines);
        w.Word(part.Type);
        w.Word(part.Subtype);
        w.Word(part.Encoding);
        w.Parameters(part.Parameters);
        Rare(ref w, part, isRoot);
        w.Number(part.Parts.Count);
        from = part.BodyStart;
        for (var i = 0; i < part.Parts.Count; i++)
        {
            Write(ref w, part.Parts[i], from, isRoot: false);
            from = part.Parts[i].End;
        }
    }

    static void Rare(ref Writer w, Part part, bool isRoot)
    {
        var has = (part.Id is null ? 0 : Has.Id) | (part.Description is null ? 0 : Has.Description) | (part.Md5 is null ? 0 : Has.Md5)
                  | (part.Disposition is null ? 0 : Has.Disposition) | (part.Languages.Count == 0 ? 0 : Has.Languages)
                  | (part.Location is null ? 0 : Has.Location) | (isRoot || part.Envelope.Length == 0 ? 0 : Has.Envelope);
        w.Number((long)has);
        if (has == 0) return;
        if (part.Id is not null) w.Word(part.Id);
        if (part.Description is not null) w.Word(part.Description);
        if (part.Md5 is not null) w.Word(part.Md5);
        if (part.Disposition is not null)
        {
            w.Word(part.Disposition);
            w.Parameters(part.DispositionParameters);
        }
        if (part.Languages.Count > 0)
        {
            w.Number(part.Languages.Count);
            for (var i = 0; i < part.Languages.Count; i++) w.Word(part.Languages[i]);
        }
        if (part.Location is not null) w.Word(part.Location);
        if ((has & Has.Envelope) != 0) w.Octets(part.Envelope.Span);
    }

    /// <summary>The texts of the stored form; both empty in the first version, which had none.</summary>
    internal static void Texts(ReadOnlySpan<byte> encoded, out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> structure)
    {
        envelope = structure = default;
        if (VersionOf(encoded) == FirstVersion) return;
        var r = new Reader { Rest = encoded[1..] };
        envelope = r.Octets();
        structure = r.Octets();
    }

    /// <summary>The text of References, and the envelope; false where it was not kept.</summary>
    internal static bool References(ReadOnlySpan<byte> encoded, out ReadOnlySpan<byte> envelope, out ReadOnlySpan<byte> references)
    {
        envelope = references = default;
        if (VersionOf(encoded) != Version) return false;
        var r = new Reader { Rest = encoded[1..] };
        envelope = r.Octets();
        r.Octets();
        return r.OctetsOrNone(out references);
    }

    static byte VersionOf(ReadOnlySpan<byte> encoded) =>
        encoded.Length > 0 && encoded[0] is >= FirstVersion and <= Version ? encoded[0] : throw new FormatException("part tree: not a version that is known");

    internal static Part Decode(ReadOnlySpan<byte> encoded)
    {
        var version = VersionOf(encoded);
        var r = new Reader { Rest = encoded[1..], HasRare = version > FirstVersion };
        if (r.HasRare)
        {
            r.Envelope = r.Octets().ToArray();
            r.Octets();
        }
        if (version > WithoutReferences && r.OctetsOrNone(out var references)) r.References = references.ToArray();
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

        internal void Octets(ReadOnlySpan<byte> octets, int plus = 0)
        {
            Number(octets.Length + plus);
            Reserve(octets.Length);
            octets.CopyTo(Buffer.AsSpan(Length));
            Length += octets.Length;
        }

        internal void Parameters(IReadOnlyList<KeyValuePair<string, string>> parameters)
        {
            Number(parameters.Count);
            for (var i = 0; i < parameters.Count; i++)
            {
                Word(parameters[i].Key);
                Word(parameters[i].Value);
            }
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
        internal bool HasRare;

        /// <summary>Of the root, read before it.</summary>
        internal byte[] Envelope;
        internal byte[]? References;
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
            var rare = HasRare ? Rare(depth) : new RareFields();
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
                Id = rare.Id,
                Description = rare.Description,
                Md5 = rare.Md5,
                Disposition = rare.Disposition,
                DispositionParameters = rare.DispositionParameters ?? [],
                Languages = rare.Languages ?? [],
                Location = rare.Location,
                Envelope = rare.Envelope,
                References = depth == 1 && References is { } kept ? kept.AsMemory() : default(ReadOnlyMemory<byte>?),
                Parts = parts,
            };
        }

        struct RareFields
        {
            internal string? Id, Description, Md5, Disposition, Location;
            internal IReadOnlyList<KeyValuePair<string, string>>? DispositionParameters;
            internal string[]? Languages;
            internal byte[]? Envelope;
        }

        RareFields Rare(int depth)
        {
            var has = (Has)Number();
            var rare = new RareFields { Envelope = depth == 1 ? Envelope : null };
            if (has == 0) return rare;
            if ((has & Has.Id) != 0) rare.Id = Word();
            if ((has & Has.Description) != 0) rare.Description = Word();
            if ((has & Has.Md5) != 0) rare.Md5 = Word();
            if ((has & Has.Disposition) != 0)
            {
                rare.Disposition = Word();
                rare.DispositionParameters = Parameters();
            }
            if ((has & Has.Languages) != 0)
            {
                var count = Number();
                if (count > Rest.Length) throw new FormatException("part tree: cut off");
                rare.Languages = new string[count];
                for (var i = 0; i < rare.Languages.Length; i++) rare.Languages[i] = Word();
            }
            if ((has & Has.Location) != 0) rare.Location = Word();
            if ((has & Has.Envelope) != 0) rare.Envelope = Octets().ToArray();
            return rare;
        }

        internal ReadOnlySpan<byte> Octets() => Octets(Number());

        /// <summary>Octets whose length is one less than what stands before them; false for a 0 there.</summary>
        internal bool OctetsOrNone(out ReadOnlySpan<byte> octets)
        {
            var length = Number();
            octets = length == 0 ? default : Octets(length - 1);
            return length > 0;
        }

        ReadOnlySpan<byte> Octets(long length)
        {
            if (length > Rest.Length) throw new FormatException("part tree: cut off");
            var octets = Rest[..(int)length];
            Rest = Rest[(int)length..];
            return octets;
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
