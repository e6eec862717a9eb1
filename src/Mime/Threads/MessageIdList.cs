using System.Text;

namespace Posthorn.Mime.Threads;

/// <summary>Message ids in a field (RFC 5322 §3.6.4), normalized so that quoting makes no difference (RFC 5256 §3, REFERENCES).</summary>
public static class MessageIdList
{
    /// <summary>
    /// Ids of one message that are looked at. When there are more, the first and the last ones count (RFC 5537 §3.4.4 trims in
    /// the same way).
    /// </summary>
    public const int Most = 200;

    /// <summary>The valid ids in order, without their angle brackets; what is between them is passed over. Linear.</summary>
    public static List<string> Read(ReadOnlySpan<char> text)
    {
        var ids = new List<string>();
        while (true)
        {
            var open = text.IndexOf('<');
            if (open < 0) break;
            text = text[(open + 1)..];
            var end = End(text);
            if (end < 0) continue; // another bracket opens first
            if (Normal(text[..end]) is { } id) ids.Add(id);
            text = text[(end + 1)..];
        }
        if (ids.Count > Most) ids.RemoveRange(1, ids.Count - Most);
        return ids;
    }

    /// <summary>Where the closing bracket is; -1 when none comes before one that opens.</summary>
    static int End(ReadOnlySpan<char> text)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '"') quoted = !quoted;
            else if (quoted && c == '\\') i++;
            else if (!quoted && c == '>') return i;
            else if (c == '<') return -1;
        }
        return -1;
    }

    static string? Normal(ReadOnlySpan<char> inside)
    {
        // Nearly all ids are as they are.
        if (inside.IndexOfAny(" \t\r\n\"") < 0) return inside.LastIndexOf('@') is > 0 and var host && host < inside.Length - 1 ? inside.ToString() : null;
        var id = new StringBuilder(inside.Length);
        var (quoted, at) = (false, -1);
        for (var i = 0; i < inside.Length; i++)
        {
            var c = inside[i];
            if (c == '"') quoted = !quoted;
            else if (quoted && c == '\\' && i + 1 < inside.Length) id.Append(inside[++i]);
            else if (quoted || c is not (' ' or '\t' or '\r' or '\n'))
            {
                if (!quoted && c == '@') at = id.Length;
                id.Append(c);
            }
        }
        return at > 0 && at < id.Length - 1 ? id.ToString() : null;
    }
}
