namespace Posthorn.Imap.Extensions.Sort;

/// <summary>The base subject (RFC 5256 §2.1): a subject without the marks of replies, forwards and lists.</summary>
static class BaseSubject
{
    /// <summary>Linear in the subject, but for nested "[fwd: ]", of which so many are taken off.</summary>
    const int MostForwards = 16;

    /// <summary>The base of a decoded subject, and whether anything that marks a reply or a forward was taken off.</summary>
    internal static (string Base, bool IsReply) Of(string? subject)
    {
        var text = Squeeze(subject ?? "").AsSpan();
        var reply = false;
        for (var i = 0; i <= MostForwards; i++)
        {
            text = Trailers(text, ref reply); // (2)
            text = Leaders(text, ref reply); // (3) to (5)
            if (!text.StartsWith("[fwd:", StringComparison.OrdinalIgnoreCase) || !text.EndsWith("]")) break; // (6)
            text = text[5..^1];
            reply = true;
        }
        return (text.ToString(), reply);
    }

    static string Squeeze(string subject) => string.Join(' ', subject.Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    static ReadOnlySpan<char> Trailers(ReadOnlySpan<char> text, scoped ref bool reply)
    {
        while (true)
        {
            text = text.TrimEnd(' ');
            if (!text.EndsWith("(fwd)", StringComparison.OrdinalIgnoreCase)) return text;
            text = text[..^5];
            reply = true;
        }
    }

    static ReadOnlySpan<char> Leaders(ReadOnlySpan<char> text, scoped ref bool reply)
    {
        while (true)
        {
            text = text.TrimStart(' ');
            // *subj-blob subj-refwd
            var rest = text;
            while (Blob(rest) is > 0 and var blob) rest = rest[blob..];
            if (ReplyMark(rest) is > 0 and var mark)
            {
                text = rest[mark..];
                reply = true;
                continue;
            }
            // (4): a blob goes when something is left.
            if (Blob(text) is > 0 and var first && first < text.Length && !text[first..].IsWhiteSpace()) text = text[first..];
            else return text;
        }
    }

    /// <summary>The length of <c>"[" *BLOBCHAR "]" *WSP</c>, or 0.</summary>
    static int Blob(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] != '[') return 0;
        var end = text[1..].IndexOfAny('[', ']') + 1;
        if (end == 0 || text[end] != ']') return 0;
        end++;
        while (end < text.Length && text[end] == ' ') end++;
        return end;
    }

    /// <summary>The length of <c>("re" / ("fw" ["d"])) *WSP [subj-blob] ":"</c>, or 0.</summary>
    static int ReplyMark(ReadOnlySpan<char> text)
    {
        var at = text.StartsWith("fwd", StringComparison.OrdinalIgnoreCase) ? 3
            : text.StartsWith("re", StringComparison.OrdinalIgnoreCase) || text.StartsWith("fw", StringComparison.OrdinalIgnoreCase) ? 2 : 0;
        if (at == 0) return 0;
        while (at < text.Length && text[at] == ' ') at++;
        at += Blob(text[at..]);
        return at < text.Length && text[at] == ':' ? at + 1 : 0;
    }
}
