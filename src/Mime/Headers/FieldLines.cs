namespace Posthorn.Mime.Headers;

/// <summary>Where header fields begin and end (RFC 5322 §2.2). CRLF is the line end; a bare LF is taken for one too.</summary>
static class FieldLines
{
    /// <summary>
    /// Octets of the field at the start of <paramref name="rest"/>, folded lines and line end included; all of
    /// <paramref name="rest"/> when it does not end there (<paramref name="ended"/> is then false).
    /// </summary>
    internal static int FieldLength(ReadOnlySpan<byte> rest, out bool ended)
    {
        var at = 0;
        while (true)
        {
            var eol = rest[at..].IndexOf((byte)'\n');
            if (eol < 0) break;
            at += eol + 1;
            if (at >= rest.Length) break; // the next line decides whether this one is folded
            if (rest[at] is not ((byte)' ' or (byte)'\t'))
            {
                ended = true;
                return at;
            }
        }
        ended = false;
        return rest.Length;
    }

    /// <summary>Length of the empty line at the start of <paramref name="rest"/>, 0 when there is none.</summary>
    internal static int EmptyLine(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > 0 && rest[0] == '\n') return 1;
        return rest.Length > 1 && rest[0] == '\r' && rest[1] == '\n' ? 2 : 0;
    }

    /// <summary>
    /// Splits a field at its colon. White space before the colon is the obsolete form (RFC 5322 §4.5.8): other readers take
    /// such a field for real, so it must count here as well. False when there is no colon.
    /// </summary>
    internal static bool TrySplit(ReadOnlySpan<byte> field, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var colon = field.IndexOf((byte)':');
        if (colon < 0)
        {
            name = value = default;
            return false;
        }
        name = field[..colon].TrimEnd(" \t"u8);
        value = field[(colon + 1)..];
        return true;
    }

    /// <summary>True when <paramref name="name"/> is <paramref name="lower"/> in any case.</summary>
    internal static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower) =>
        name.Length == lower.Length && System.Text.Ascii.EqualsIgnoreCase(name, lower);

    /// <summary>The value on one line, without the white space around it (RFC 5322 §2.2.3).</summary>
    internal static string Unfold(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.IndexOf((byte)'\n') < 0) return Encodings.Charsets.Guess(value);
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(value.Length);
        var n = 0;
        while (value.Length > 0)
        {
            var eol = value.IndexOf((byte)'\n');
            var line = eol < 0 ? value : value[..eol];
            value = eol < 0 ? default : value[(eol + 1)..];
            if (eol >= 0 && line.Length > 0 && line[^1] == '\r') line = line[..^1];
            line.CopyTo(buffer.AsSpan(n));
            n += line.Length;
        }
        var text = Encodings.Charsets.Guess(buffer.AsSpan(0, n));
        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        return text;
    }
}
