using System.Buffers;
using System.Buffers.Text;
using Posthorn.Mime.Structure;

namespace Posthorn.Mime.Encodings;

/// <summary>What a converted message may hold.</summary>
public enum TransferForm
{
    /// <summary>Lines of any octets but NUL and bare CR or LF: for peers without BINARYMIME (RFC 3030 §3).</summary>
    EightBit,

    /// <summary>ASCII: for peers without 8BITMIME (RFC 6152 §3).</summary>
    SevenBit,
}

/// <summary>
/// Encodes those parts of a message that a peer cannot take, each on its own, so that a reader sees what was sent (RFC 2045
/// §6). One pass over the parts, in bounded memory. Signed parts are no exception: a message whose signature is broken is
/// more than no message, and RFC 1847 §2.1 had them be 7bit from the start. Octets over 127 in header fields stay: no
/// encoding is defined for them that every field bears.
/// </summary>
public static class SevenBit
{
    const int Block = 64 << 10;

    /// <summary>RFC 5322 §2.1.1: a longer line may be broken on the way.</summary>
    const int LongLine = 998;

    /// <summary>Octets of one base64 line: 76 characters (RFC 2045 §6.8).</summary>
    const int Base64Line = 57;

    /// <summary>
    /// Writes <paramref name="message"/> in the form wanted. False when a part cannot be brought into it: an encoding that is
    /// not known, or a multipart that is damaged; what was written is then of no use.
    /// </summary>
    /// <param name="message">Seekable.</param>
    /// <param name="root">Its part tree.</param>
    public static bool Convert(Stream message, Part root, TransferForm form, IBufferWriter<byte> into)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            return new Pass(message, form, into, buffer).Write(root, isRoot: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What the octets of a part's body are like.</summary>
    struct Octets
    {
        internal long High;
        internal bool Binary, LongLines;
    }

    sealed class Pass(Stream message, TransferForm form, IBufferWriter<byte> into, byte[] buffer)
    {
        internal bool Write(Part part, bool isRoot)
        {
            var isMessage = part.Type == "message" && part.Parts.Count > 0;
            if (part.Parts.Count == 0 || part is { Type: "message", Subtype: "global" }) return WriteLeaf(part, isRoot);
            // RFC 2045 §6.4: what holds other parts is never encoded itself; it is at most as wide as they are.
            WriteHeader(part, part.Encoding is "8bit" or "binary" ? form == TransferForm.SevenBit ? "7bit" : "8bit" : null, isRoot);
            var at = part.BodyStart;
            foreach (var child in part.Parts)
            {
                WriteFrame(at, child.HeaderStart);
                if (!Write(child, isRoot: false)) return false;
                at = child.End;
            }
            if (!isMessage) WriteFrame(at, part.End);
            return true;
        }

        bool WriteLeaf(Part part, bool isRoot)
        {
            var octets = Look(part);
            var fits = !octets.Binary && (octets.High == 0 || form == TransferForm.EightBit);
            if (fits)
            {
                var widest = octets.High == 0 ? "7bit" : "8bit";
                WriteHeader(part, part.Encoding is "8bit" or "binary" ? widest : null, isRoot);
                Copy(part.BodyStart, part.End);
                return true;
            }
            if (part.BodyStart == part.HeaderStart) return false; // past a limit of the tree: where its header ends is not known
            switch (part.Encoding)
            {
                case "7bit" or "8bit" or "binary" when part.Type != "multipart":
                    var readable = part.Type == "text" && octets is { Binary: false, LongLines: false } && octets.High <= (part.End - part.BodyStart) / 4;
                    WriteHeader(part, readable ? "quoted-printable" : "base64", isRoot);
                    if (readable) WriteQuoted(part);
                    else WriteBase64(part, isRoot);
                    return true;
                case "quoted-printable" or "base64":
                    // Encoded already, with octets in it that should not be there.
                    WriteHeader(part, null, isRoot);
                    WriteRepaired(part, quoted: part.Encoding == "quoted-printable");
                    return true;
                default:
                    return false;
            }
        }

        Octets Look(Part part)
        {
            var found = new Octets();
            byte last = 0;
            var column = 0;
            for (var at = part.BodyStart; Read(at, part.End) is { Length: > 0 } block; at += block.Length)
            {
                foreach (var c in block)
                {
                    if (c > 127) found.High++;
                    if (c == '\n')
                    {
                        found.Binary |= last != '\r';
                        column = 0;
                    }
                    else
                    {
                        found.Binary |= last == '\r' || c == 0;
                        if (++column > LongLine) found.LongLines = true;
                    }
                    last = c;
                }
            }
            found.Binary |= last == '\r';
            return found;
        }

        /// <summary>Copies the header; with <paramref name="encoding"/> its Content-Transfer-Encoding becomes that.</summary>
        void WriteHeader(Part part, string? encoding, bool isRoot)
        {
            bool mime = false, type = false, skipping = false, lineStart = true, ended = false;
            for (var at = part.HeaderStart; Read(at, part.BodyStart, LongLine + 2) is { Length: > 0 } block;)
            {
                var eol = block.IndexOf((byte)'\n');
                var line = eol < 0 ? block : block[..(eol + 1)];
                at += line.Length;
                if (lineStart && line.Trim("\r\n"u8).IsEmpty)
                {
                    ended = true;
                    break;
                }
                if (lineStart && line[0] is not ((byte)' ' or (byte)'\t'))
                {
                    skipping = encoding is not null && IsField(line, "content-transfer-encoding"u8);
                    mime |= IsField(line, "mime-version"u8);
                    type |= IsField(line, "content-type"u8);
                }
                lineStart = eol >= 0;
                if (!skipping) Frame(line, header: true);
            }
            if (encoding is not null)
            {
                // RFC 1428 §3: text of which nothing is told is text of an unknown character set.
                if (isRoot && !mime) into.Write("MIME-Version: 1.0\r\n"u8);
                if (isRoot && !type && !mime) into.Write("Content-Type: text/plain; charset=unknown-8bit\r\n"u8);
                into.Write("Content-Transfer-Encoding: "u8);
                into.Write(System.Text.Encoding.ASCII.GetBytes(encoding));
                into.Write("\r\n"u8);
            }
            if (ended) into.Write("\r\n"u8);
        }

        static bool IsField(ReadOnlySpan<byte> line, ReadOnlySpan<byte> lower)
        {
            var colon = line.IndexOf((byte)':');
            return colon > 0 && System.Text.Ascii.EqualsIgnoreCase(line[..colon].TrimEnd(" \t"u8), lower);
        }

        /// <summary>Preamble, delimiters, epilogue. Nobody shows them, so what does not fit is replaced.</summary>
        void WriteFrame(long from, long to)
        {
            for (var at = from; Read(at, to) is { Length: > 0 } block; at += block.Length) Frame(block, header: false);
        }

        void Frame(ReadOnlySpan<byte> octets, bool header)
        {
            while (octets.Length > 0)
            {
                var room = into.GetSpan(Math.Min(octets.Length, 4096));
                var n = Math.Min(room.Length, octets.Length);
                for (var i = 0; i < n; i++)
                    room[i] = octets[i] == 0 || octets[i] > 127 && !header && form == TransferForm.SevenBit ? (byte)'?' : octets[i];
                into.Advance(n);
                octets = octets[n..];
            }
        }

        void Copy(long from, long to)
        {
            for (var at = from; Read(at, to) is { Length: > 0 } block; at += block.Length) into.Write(block);
        }

        void WriteQuoted(Part part)
        {
            for (var at = part.BodyStart; Read(at, part.End, LongLine + 2) is { Length: > 0 } block;)
            {
                // Whole lines: none is longer than a window, that was looked at.
                var whole = at + block.Length < part.End ? block.LastIndexOf((byte)'\n') + 1 : block.Length;
                QuotedPrintable.Encode(block[..whole], into);
                at += whole;
            }
        }

        void WriteBase64(Part part, bool isRoot)
        {
            var first = true;
            for (var at = part.BodyStart; at < part.End;)
            {
                var line = Read(at, Math.Min(part.End, at + Base64Line), Base64Line);
                if (line.IsEmpty) break;
                if (!first) into.Write("\r\n"u8);
                first = false;
                Base64.EncodeToUtf8(line, into.GetSpan(Base64.GetMaxEncodedToUtf8Length(line.Length)), out _, out var n);
                into.Advance(n);
                at += line.Length;
            }
            if (isRoot) into.Write("\r\n"u8); // the line end before a delimiter is not the part's
        }

        void WriteRepaired(Part part, bool quoted)
        {
            for (var at = part.BodyStart; Read(at, part.End) is { Length: > 0 } block; at += block.Length)
                foreach (var c in block)
                {
                    var room = into.GetSpan(3);
                    if (c is > 0 and < 128)
                    {
                        room[0] = c;
                        into.Advance(1);
                    }
                    else if (quoted) // in base64 it is to be ignored (RFC 2045 §6.8)
                    {
                        (room[0], room[1], room[2]) = ((byte)'=', "0123456789ABCDEF"u8[c >> 4], "0123456789ABCDEF"u8[c & 15]);
                        into.Advance(3);
                    }
                }
        }

        long _windowAt = -1;
        int _windowLength;

        /// <summary>
        /// Octets from an offset on, not beyond <paramref name="end"/>: as many as the window holds, but at least so many when
        /// there are; empty at the end.
        /// </summary>
        ReadOnlySpan<byte> Read(long at, long end, int least = 1)
        {
            if (at >= end) return default;
            if (_windowAt < 0 || at < _windowAt || _windowAt + _windowLength - at < Math.Min(least, end - at))
            {
                message.Position = at;
                _windowAt = at;
                _windowLength = message.ReadAtLeast(buffer.AsSpan(0, Block), Block, throwOnEndOfStream: false);
            }
            var skip = (int)(at - _windowAt);
            return buffer.AsSpan(skip, (int)Math.Min(_windowLength - skip, end - at));
        }
    }
}
