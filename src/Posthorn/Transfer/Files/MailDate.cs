using System.Globalization;
using System.Text;

namespace Posthorn.Transfer.Files;

/// <summary>When a message came, as its own header tells it: from the topmost Received field, else from Date.</summary>
static class MailDate
{
    static readonly string[] Forms = ["d MMM yyyy H:mm:ss zzz", "d MMM yyyy H:mm zzz", "d MMM yy H:mm:ss zzz", "d MMM yyyy H:mm:ss"];

    /// <param name="header">The beginning of the message.</param>
    /// <returns>Null when the header tells nothing.</returns>
    public static DateTimeOffset? Of(ReadOnlySpan<byte> header)
    {
        var text = Encoding.Latin1.GetString(header).ReplaceLineEndings("\n");
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end >= 0) text = text[..end];
        text = text.Replace("\n ", " ", StringComparison.Ordinal).Replace("\n\t", " ", StringComparison.Ordinal);
        DateTimeOffset? sent = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("Received:", StringComparison.OrdinalIgnoreCase) && line.LastIndexOf(';') is > 0 and var at && Parse(line[(at + 1)..]) is { } received) return received;
            if (sent is null && line.StartsWith("Date:", StringComparison.OrdinalIgnoreCase)) sent = Parse(line[5..]);
        }
        return sent;
    }

    static DateTimeOffset? Parse(string text)
    {
        var comment = text.IndexOf('(');
        if (comment >= 0) text = text[..comment];
        var comma = text.IndexOf(',');
        if (comma >= 0) text = text[(comma + 1)..];
        var words = text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 5 && words[4] is "GMT" or "UT" or "UTC" or "Z") words[4] = "+0000";
        if (words.Length == 5 && words[4].Length == 5) words[4] = words[4][..3] + ":" + words[4][3..];
        return DateTimeOffset.TryParseExact(string.Join(' ', words), Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date : null;
    }
}
