using System.Net;
using System.Text;
using Posthorn.Mime.Encodings;

namespace Posthorn.Mime.Text;

/// <summary>
/// Takes the marks out of HTML in one pass, without building a tree: scripts and style sheets are skipped, entities become
/// characters, and a tag that starts a block or a line becomes a blank, so that words do not run together.
/// </summary>
static class HtmlText
{
    /// <summary>Longest entity, "&amp;" and ";" included; "&amp;CounterClockwiseContourIntegral;" has 33.</summary>
    const int MaxEntity = 34;

    /// <summary>How far a charset is looked for: what browsers do.</summary>
    const int CharsetWithin = 1024;

    static readonly HashSet<string> Inline = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark",
        "o:p", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    };

    static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> IsInline = Inline.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The charset that a meta element names near the start, or null.</summary>
    internal static Encoding? Charset(ReadOnlySpan<byte> html)
    {
        var head = Encoding.Latin1.GetString(html[..Math.Min(html.Length, CharsetWithin)]);
        var at = head.IndexOf("charset=", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        var name = head.AsSpan(at + 8).TrimStart("\"' ");
        var end = name.IndexOfAny("\"' ;>/");
        return Charsets.Find((end < 0 ? name : name[..end]).ToString());
    }

    internal static string Strip(ReadOnlySpan<char> html)
    {
        var text = new StringBuilder(html.Length / 2);
        var at = 0;
        while (at < html.Length)
        {
            var rest = html[at..];
            var next = rest.IndexOfAny('<', '&');
            if (next < 0)
            {
                text.Append(rest);
                break;
            }
            text.Append(rest[..next]);
            rest = rest[next..];
            at += next + (rest[0] == '<' ? Tag(rest, text) : Entity(rest, text));
        }
        return text.ToString();
    }

    /// <summary>Length of what begins with "&lt;"; a "&lt;" that begins no tag is text.</summary>
    static int Tag(ReadOnlySpan<char> rest, StringBuilder text)
    {
        if (rest.StartsWith("<!--"))
        {
            var close = rest[4..].IndexOf("-->");
            return close < 0 ? rest.Length : 4 + close + 3;
        }
        var closing = rest.Length > 1 && rest[1] == '/';
        var nameAt = closing ? 2 : 1;
        if (rest.Length <= nameAt || !(char.IsAsciiLetter(rest[nameAt]) || rest[nameAt] is '!' or '?'))
        {
            text.Append('<');
            return 1;
        }
        var name = rest[nameAt..];
        var end = name.IndexOfAny(" \t\r\n/>");
        name = end < 0 ? name : name[..end];
        var length = TagLength(rest);
        if (!IsInline.Contains(name) && text.Length > 0 && !char.IsWhiteSpace(text[^1])) text.Append(' ');
        if (!closing && (name.Equals("script", StringComparison.OrdinalIgnoreCase) || name.Equals("style", StringComparison.OrdinalIgnoreCase)))
        {
            var close = rest[length..].IndexOf(string.Concat("</", name), StringComparison.OrdinalIgnoreCase);
            return close < 0 ? rest.Length : length + close;
        }
        return length;
    }

    /// <summary>Up to the "&gt;" that is not inside a quoted attribute value.</summary>
    static int TagLength(ReadOnlySpan<char> tag)
    {
        var quote = '\0';
        for (var i = 1; i < tag.Length; i++)
        {
            var c = tag[i];
            if (quote != 0)
            {
                if (c == quote) quote = '\0';
            }
            else if (c is '"' or '\'' && tag[i - 1] is '=' or ' ') quote = c;
            else if (c == '>') return i + 1;
        }
        // A quote that never ends would swallow the document; without it the tag ends at the next ">".
        var close = tag.IndexOf('>');
        return close < 0 ? tag.Length : close + 1;
    }

    static int Entity(ReadOnlySpan<char> rest, StringBuilder text)
    {
        var end = rest[..Math.Min(rest.Length, MaxEntity)].IndexOf(';');
        if (end < 2)
        {
            text.Append('&');
            return 1;
        }
        var entity = rest[..(end + 1)].ToString();
        var decoded = WebUtility.HtmlDecode(entity);
        if (ReferenceEquals(decoded, entity) || decoded == entity)
        {
            text.Append('&');
            return 1;
        }
        text.Append(decoded == "\u00A0" ? " " : decoded);
        return end + 1;
    }
}
