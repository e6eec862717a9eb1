using System.Text;

namespace Posthorn.Mime.Threads;

/// <summary>
/// A subject without what replying, forwarding and lists have put around it (RFC 5256 §2.1). Pure; linear in the length of the
/// subject.
/// </summary>
/// <param name="Text">What is left, case kept.</param>
/// <param name="IsReply">True when a mark of a reply or a forward was taken off (RFC 5256 §3, REFERENCES).</param>
public readonly record struct BaseSubject(string Text, bool IsReply)
{
    /// <param name="subject">Decoded (RFC 2047).</param>
    public static BaseSubject Of(string? subject)
    {
        if (subject is null) return new BaseSubject("", false);
        var spaced = Spaced(subject);
        ReadOnlySpan<char> rest = spaced;
        var reply = false;
        while (true)
        {
            rest = WithoutTrailers(rest, ref reply);
            rest = WithoutLeaders(rest, ref reply);
            // Step 6: [fwd: … ]
            if (!rest.StartsWith("[fwd:", StringComparison.OrdinalIgnoreCase) || rest[^1] != ']') return new BaseSubject(rest.ToString(), reply);
            rest = rest[5..^1];
            reply = true;
        }
    }

    /// <summary>Step 1: white space in a row is one space.</summary>
    static string Spaced(string subject)
    {
        var text = new StringBuilder(subject.Length);
        foreach (var c in subject)
        {
            if (c is not (' ' or '\t' or '\r' or '\n')) text.Append(c);
            else if (text.Length == 0 || text[^1] != ' ') text.Append(' ');
        }
        return text.ToString();
    }

    /// <summary>Step 2: "(fwd)" and white space at the end.</summary>
    static ReadOnlySpan<char> WithoutTrailers(ReadOnlySpan<char> rest, scoped ref bool reply)
    {
        while (true)
        {
            rest = rest.TrimEnd(' ');
            if (!rest.EndsWith("(fwd)", StringComparison.OrdinalIgnoreCase)) return rest;
            rest = rest[..^5];
            reply = true;
        }
    }

    /// <summary>Steps 3 to 5: "Re:" and its like, also behind blobs, and blobs while something is left.</summary>
    static ReadOnlySpan<char> WithoutLeaders(ReadOnlySpan<char> rest, scoped ref bool reply)
    {
        while (true)
        {
            rest = rest.TrimStart(' ');
            // A run of blobs is looked at once: with a mark behind them they go with it, else one by one.
            var (at, last) = (0, 0);
            while (Blob(rest[at..]) is > 0 and var length) (last, at) = (at, at + length);
            if (Mark(rest[at..]) is > 0 and var mark)
            {
                rest = rest[(at + mark)..];
                reply = true;
            }
            // Step 4: the last blob stays when nothing would be left.
            else return at == rest.Length ? rest[last..] : rest[at..];
        }
    }

    /// <summary><c>subj-blob = "[" *BLOBCHAR "]" *WSP</c>: its length, 0 for none.</summary>
    static int Blob(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] != '[') return 0;
        var end = text[1..].IndexOfAny('[', ']') + 1;
        if (end == 0 || text[end] != ']') return 0;
        return end + 1 < text.Length && text[end + 1] == ' ' ? end + 2 : end + 1;
    }

    /// <summary><c>subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"</c>: its length, 0 for none.</summary>
    static int Mark(ReadOnlySpan<char> text)
    {
        int at;
        if (text.StartsWith("re", StringComparison.OrdinalIgnoreCase)) at = 2;
        else if (text.StartsWith("fwd", StringComparison.OrdinalIgnoreCase)) at = 3;
        else if (text.StartsWith("fw", StringComparison.OrdinalIgnoreCase)) at = 2;
        else return 0;
        if (at < text.Length && text[at] == ' ') at++;
        at += Blob(text[at..]);
        return at < text.Length && text[at] == ':' ? at + 1 : 0;
    }
}
