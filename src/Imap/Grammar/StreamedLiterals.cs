using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// Tells a literal that is a message, and so goes to the store as it comes, from one that is an argument. Only APPEND
/// (RFC 9051 §6.3.12, with RFC 3502 and RFC 4469) and REPLACE (RFC 8508) have messages.
/// </summary>
static class StreamedLiterals
{
    /// <summary>True when the literal announced behind <paramref name="text"/>, the command so far, is message text.</summary>
    /// <param name="text">All of the command before the mark, or all behind the last streamed literal.</param>
    /// <param name="continued">True behind a streamed literal: the command is one that has messages.</param>
    internal static bool IsMessage(ReadOnlySpan<byte> text, bool continued)
    {
        if (continued) return !EndsWithUrl(text);
        var rest = text;
        Word(ref rest); // the tag
        var verb = Word(ref rest);
        if (Is(verb, "UID"u8)) verb = Word(ref rest);
        if (Is(verb, "REPLACE"u8)) Word(ref rest); // the message that goes
        else if (!Is(verb, "APPEND"u8)) return false;
        // The mailbox has to be whole before the mark: a name may be a literal itself.
        if (rest.Length == 0 || !SkipString(ref rest)) return false;
        // RFC 4469 §3: a URL is an argument, whatever its form.
        return !EndsWithUrl(rest);
    }

    static bool EndsWithUrl(ReadOnlySpan<byte> rest)
    {
        rest = rest.TrimEnd((byte)' ');
        return rest.Length > 3 && Is(rest[^3..], "URL"u8) && rest[^4] is (byte)' ' or (byte)'(';
    }

    static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> rest)
    {
        var space = rest.IndexOf((byte)' ');
        var word = space < 0 ? rest : rest[..space];
        rest = space < 0 ? default : rest[(space + 1)..];
        return word;
    }

    /// <summary>Passes an astring and the space behind it; false when it does not end in what there is.</summary>
    static bool SkipString(ref ReadOnlySpan<byte> rest)
    {
        if (rest[0] == '{')
        {
            var close = rest.IndexOf("}\r\n"u8);
            if (close < 0 || !LiteralMark.TryRead(rest[..(close + 1)], out var mark) || mark.Size > rest.Length - close - 3) return false;
            rest = rest[(close + 3 + (int)mark.Size)..];
        }
        else if (rest[0] == '"')
        {
            var i = 1;
            while (i < rest.Length && rest[i] != '"') i += rest[i] == '\\' ? 2 : 1;
            if (i >= rest.Length) return false;
            rest = rest[(i + 1)..];
        }
        else
        {
            var space = rest.IndexOf((byte)' ');
            if (space < 0) return false;
            rest = rest[space..];
        }
        if (rest.Length == 0 || rest[0] != ' ') return false;
        rest = rest[1..];
        return true;
    }

    static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> upper) => Ascii.EqualsIgnoreCase(word, upper);
}
