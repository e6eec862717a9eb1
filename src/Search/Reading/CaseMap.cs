using System.Buffers;

namespace Posthorn.Search.Reading;

/// <summary>
/// Text as searches, SORT and THREAD compare it: i;unicode-casemap (RFC 5051), each letter in title case and decomposed, and
/// white space as one space. Marks of one letter stay in the order in which they come, as that collation leaves them.
/// </summary>
public static class CaseMap
{
    /// <summary>The text as all searched text and every searched word is brought into before they are compared.</summary>
    public static string Fold(ReadOnlySpan<char> text)
    {
        var buffer = ArrayPool<char>.Shared.Rent(text.Length + CaseMapTable.Longest);
        try
        {
            var length = 0;
            var space = false;
            var simple = CaseMapTable.Simple;
            for (var at = 0; at < text.Length; at++)
            {
                var c = text[at];
                if (simple[c] is not '\0' and var one)
                {
                    buffer[length++] = one;
                    space = false;
                    continue;
                }
                if (c is ' ' or '\t' or '\r' or '\n')
                {
                    if (!space) buffer[length++] = ' ';
                    space = true;
                    continue;
                }
                var point = (int)c;
                if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])) point = char.ConvertToUtf32(c, text[++at]);
                length += Map(point, buffer.AsSpan(length), ref space);
                // What is left fits if no unit becomes more than one, and the next mapping whatever it is.
                if (buffer.Length - length < text.Length - at + CaseMapTable.Longest) Grow(ref buffer, length);
            }
            return new string(buffer, 0, length);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    /// <summary>The order of two folded texts: that of their octets in UTF-8 (RFC 5051 §2, RFC 4790 §9.3), which is that of code points.</summary>
    public static int Compare(string a, string b)
    {
        var at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length) return a.Length.CompareTo(b.Length);
        var (x, y) = (char.IsSurrogate(a[at]), char.IsSurrogate(b[at]));
        return x == y ? a[at].CompareTo(b[at]) : x ? 1 : -1;
    }

    /// <summary>Writes what a code point becomes that is more than one unit or becomes so; returns how many units that is.</summary>
    static int Map(int point, Span<char> to, ref bool space)
    {
        if (CaseMapTable.IsSyllable(point))
        {
            space = false;
            return CaseMapTable.Letters(point, to);
        }
        var mapped = CaseMapTable.Of(point);
        if (mapped.IsEmpty)
        {
            space = false;
            if (point < 0x1_0000)
            {
                to[0] = (char)point;
                return 1;
            }
            return new System.Text.Rune(point).EncodeToUtf16(to);
        }
        // A space of another kind is a space, and some marks stand on one.
        if (mapped[0] == ' ' && space) mapped = mapped[1..];
        mapped.CopyTo(to);
        if (!mapped.IsEmpty) space = mapped[^1] == ' ';
        return mapped.Length;
    }

    static void Grow(ref char[] buffer, int length)
    {
        var larger = ArrayPool<char>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<char>.Shared.Return(buffer);
        buffer = larger;
    }
}
