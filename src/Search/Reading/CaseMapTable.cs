using System.Globalization;

namespace Posthorn.Search.Reading;

/// <summary>
/// What each code point is compared as: its title case, fully decomposed (RFC 5051 §2). Read once from a text that
/// tools/casemap.py makes; two steps lead to a mapping, by the upper bits to a page and by the lower ones into it.
/// </summary>
static class CaseMapTable
{
    /// <summary>UTF-16 units of the longest mapping.</summary>
    internal const int Longest = 18;

    /// <summary>Code points from here on are what they are.</summary>
    const int End = 0x30000;

    const int PageBits = 7;
    const int PageSize = 1 << PageBits;

    // Hangul syllables are composed by rule, and no table has them (The Unicode Standard, §3.12).
    const int FirstSyllable = 0xAC00, LastSyllable = 0xD7A3, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeTails = 0x11A7, Vowels = 21, Tails = 28;

    static readonly ushort[] Pages = new ushort[End >> PageBits];

    /// <summary>For each place in each page where its mapping is in <see cref="Texts"/>; 0 for none. Page 0 is empty.</summary>
    static readonly ushort[] Places;

    /// <summary>Each mapping behind its length.</summary>
    static readonly char[] Texts;

    /// <summary>What a unit becomes that alone is a letter and becomes one unit; NUL where there is more to it.</summary>
    internal static readonly char[] Simple = new char[0x1_0000];

    static CaseMapTable()
    {
        List<ushort> places = [.. new ushort[PageSize]];
        List<char> texts = ['\0'];
        using var reader = new StreamReader(typeof(CaseMapTable).Assembly.GetManifestResourceStream("casemap.txt")!);
        Span<char> units = stackalloc char[Longest];
        Span<Range> words = stackalloc Range[Longest + 2];
        while (reader.ReadLine() is { } line)
        {
            var count = line.AsSpan().Split(words, ' ');
            var dash = line.AsSpan(words[0]).IndexOf('-');
            var first = Hex(line.AsSpan(words[0])[..(dash < 0 ? ^0 : dash)]);
            var last = dash < 0 ? first : Hex(line.AsSpan(words[0])[(dash + 1)..]);
            for (var point = first; point <= last; point++)
            {
                var length = 0;
                for (var i = 1; i < count; i++)
                {
                    var mapped = Hex(line.AsSpan(words[i])) + (i == count - 1 ? point - first : 0);
                    length += new System.Text.Rune(mapped).EncodeToUtf16(units[length..]);
                }
                ref var page = ref Pages[point >> PageBits];
                if (page == 0)
                {
                    page = (ushort)(places.Count >> PageBits);
                    places.AddRange(new ushort[PageSize]);
                }
                places[page << PageBits | point & PageSize - 1] = checked((ushort)texts.Count);
                texts.Add((char)length);
                texts.AddRange(units[..length]);
            }
        }
        (Places, Texts) = ([.. places], [.. texts]);
        for (var point = 0; point < Simple.Length; point++)
        {
            if (char.IsSurrogate((char)point) || IsSyllable(point) || (char)point is ' ' or '\t' or '\r' or '\n') continue;
            var mapped = Of(point);
            Simple[point] = point < 0x80 ? char.ToUpperInvariant((char)point) : mapped.IsEmpty ? (char)point : mapped is [not ' '] ? mapped[0] : '\0';
        }
    }

    /// <summary>What the code point becomes; empty when it stays as it is. Not for Hangul syllables.</summary>
    internal static ReadOnlySpan<char> Of(int point)
    {
        if (point >= End || Places[Pages[point >> PageBits] << PageBits | point & PageSize - 1] is not (var place and not 0)) return default;
        return Texts.AsSpan(place + 1, Texts[place]);
    }

    internal static bool IsSyllable(int point) => point is >= FirstSyllable and <= LastSyllable;

    /// <summary>The letters of a Hangul syllable; returns how many.</summary>
    internal static int Letters(int point, Span<char> to)
    {
        var syllable = point - FirstSyllable;
        to[0] = (char)(FirstLead + syllable / (Vowels * Tails));
        to[1] = (char)(FirstVowel + syllable / Tails % Vowels);
        if (syllable % Tails == 0) return 2;
        to[2] = (char)(BeforeTails + syllable % Tails);
        return 3;
    }

    static int Hex(ReadOnlySpan<char> text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
