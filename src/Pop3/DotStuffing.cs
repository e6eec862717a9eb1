namespace Posthorn.Pop3;

/// <summary>Byte-stuffing of multi-line answers (RFC 1939 §3): a line that begins with "." gets another one.</summary>
static class DotStuffing
{
    /// <summary>Octets that stuffing may need for so many octets of text: every second one may be a dot to double.</summary>
    internal static int Room(int octets) => octets + octets / 2 + 1;

    /// <summary>
    /// True when the text can go out as it is. A line starts after any LF here: stored mail has none without CR, but a
    /// client that is content with LF must not take a lone dot after one for the end of the answer.
    /// </summary>
    internal static bool IsPlain(ReadOnlySpan<byte> text, bool atLineStart) =>
        (!atLineStart || text.IsEmpty || text[0] != '.') && text.IndexOf("\n."u8) < 0;

    /// <summary>Copies text and doubles dots; returns the octets written. <paramref name="atLineStart"/> carries over from piece to piece.</summary>
    internal static int Copy(ReadOnlySpan<byte> text, Span<byte> to, ref bool atLineStart)
    {
        if (text.IsEmpty) return 0;
        var written = 0;
        if (atLineStart && text[0] == '.') to[written++] = (byte)'.';
        atLineStart = text[^1] == '\n';
        while (true)
        {
            var at = text.IndexOf("\n."u8);
            if (at < 0) break;
            text[..(at + 1)].CopyTo(to[written..]);
            written += at + 1;
            to[written++] = (byte)'.';
            text = text[(at + 1)..];
        }
        text.CopyTo(to[written..]);
        return written + text.Length;
    }
}
