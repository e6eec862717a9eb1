using System.Text;

namespace Posthorn.Mime.Text;

/// <summary>
/// The values of a calendar (RFC 5545 §3.1) or a card (RFC 6350 §3.2), one on a line: unfolded, unescaped, without pictures
/// and keys and without what only programs read.
/// </summary>
static class ContentLines
{
    static readonly HashSet<string> Silent = new(StringComparer.OrdinalIgnoreCase)
    {
        "BEGIN", "END", "VERSION", "PRODID", "METHOD", "CALSCALE", "PHOTO", "LOGO", "SOUND", "KEY", "REV", "DTSTAMP", "SEQUENCE", "RRULE", "TZOFFSETFROM", "TZOFFSETTO",
    };

    static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> IsSilent = Silent.GetAlternateLookup<ReadOnlySpan<char>>();

    internal static string Values(ReadOnlySpan<char> text)
    {
        var values = new StringBuilder(text.Length / 2);
        var keep = false;
        foreach (var range in text.Split('\n'))
        {
            var line = text[range].TrimEnd('\r');
            if (line.Length > 0 && line[0] is ' ' or '\t')
            {
                if (keep) Append(values, line[1..]);
                continue;
            }
            if (values.Length > 0 && values[^1] != '\n') values.Append('\n');
            var colon = Colon(line);
            var name = colon < 0 ? line : line[..colon];
            var semicolon = name.IndexOf(';');
            var parameters = semicolon < 0 ? default : name[semicolon..];
            if (semicolon >= 0) name = name[..semicolon];
            // A group stands before the name of a card's line: "item1.TEL".
            name = name[(name.LastIndexOf('.') + 1)..];
            keep = colon >= 0 && !IsSilent.Contains(name) && !parameters.Contains("ENCODING=B", StringComparison.OrdinalIgnoreCase);
            if (keep) Append(values, line[(colon + 1)..]);
        }
        return values.ToString();
    }

    /// <summary>The colon before the value: the first that is not in a quoted parameter.</summary>
    static int Colon(ReadOnlySpan<char> line)
    {
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"') quoted = !quoted;
            else if (line[i] == ':' && !quoted) return i;
        }
        return -1;
    }

    static void Append(StringBuilder to, ReadOnlySpan<char> value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\' || i + 1 == value.Length) to.Append(value[i]);
            else to.Append(value[++i] is 'n' or 'N' ? '\n' : value[i]);
        }
    }
}
