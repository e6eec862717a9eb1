namespace Posthorn.Imap.Grammar;

/// <summary>A literal that is announced at the end of a line.</summary>
/// <param name="Size">Octets; long.MaxValue for a number that is larger.</param>
/// <param name="Synchronizing">False for <c>{n+}</c>, whose octets come without our asking (RFC 7888).</param>
/// <param name="Binary">True for literal8, <c>~{n}</c>, which may hold NUL (RFC 3516 §4.4).</param>
/// <param name="MarkLength">Octets of the mark itself, at the end of the line.</param>
readonly record struct LiteralMark(long Size, bool Synchronizing, bool Binary, int MarkLength)
{
    /// <summary>
    /// True when <paramref name="line"/> (without its CRLF) ends with the mark of a literal. One inside quotes is none: such a
    /// line is not a command at all, and waiting for octets that nobody announced would lose the client.
    /// </summary>
    internal static bool TryRead(ReadOnlySpan<byte> line, out LiteralMark mark)
    {
        mark = default;
        if (line.Length < 3 || line[^1] != '}') return false;
        var at = line.Length - 2;
        var synchronizing = line[at] != '+';
        if (!synchronizing) at--;
        var end = at;
        long size = 0, unit = 1;
        for (; at >= 0 && line[at] is >= (byte)'0' and <= (byte)'9'; at--)
        {
            var digit = line[at] - '0';
            if (digit > 0 && (unit == 0 || size > long.MaxValue - digit * unit)) size = long.MaxValue;
            else if (size != long.MaxValue) size += digit * unit;
            unit = unit > long.MaxValue / 10 ? 0 : unit * 10;
        }
        if (at < 0 || at == end || line[at] != '{') return false;
        var binary = at > 0 && line[at - 1] == '~';
        if (binary) at--;
        if (IsQuotedAt(line, at)) return false;
        mark = new LiteralMark(size, synchronizing, binary, line.Length - at);
        return true;
    }

    static bool IsQuotedAt(ReadOnlySpan<byte> line, int at)
    {
        var quoted = false;
        for (var i = 0; i < at; i++)
        {
            if (line[i] == '"') quoted = !quoted;
            else if (quoted && line[i] == '\\') i++;
        }
        return quoted;
    }
}
