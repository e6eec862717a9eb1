using System.Collections.Concurrent;
using System.Text;

namespace Posthorn.Mime.Encodings;

/// <summary>
/// Charsets by the names that mail uses (RFC 2978 and what is seen in the wild). Every encoding given here decodes without
/// throwing: what cannot be read becomes U+FFFD. Those of our own only decode.
/// </summary>
public static class Charsets
{
    /// <summary>Longest name that is looked up; no registered one is longer than 45.</summary>
    const int MaxName = 48;

    static readonly DecoderReplacementFallback Fallback = new("\uFFFD");

    /// <summary>Code pages by name where the runtime does not know the name, or knows it for less than mail means by it.</summary>
    static readonly Dictionary<string, int> Aliases = new(StringComparer.Ordinal)
    {
        // A label of ASCII or Latin 1 over 8-bit octets means the Windows superset, as browsers have it.
        ["us-ascii"] = 1252,
        ["ascii"] = 1252,
        ["ansi_x3.4-1968"] = 1252,
        ["iso-8859-1"] = 1252,
        ["iso8859-1"] = 1252,
        ["iso_8859-1"] = 1252,
        ["iso-8859-1-windows-3.1-latin-1"] = 1252,
        ["latin1"] = 1252,
        ["latin-1"] = 1252,
        ["l1"] = 1252,
        ["cp819"] = 1252,
        ["ibm819"] = 1252,
        ["x-ansi"] = 1252,
        ["ansi"] = 1252,
        ["utf8"] = 65001,
        ["utf-8"] = 65001,
        ["unicode-1-1-utf-8"] = 65001,
        ["utf8mb4"] = 65001,
        ["x-utf-8"] = 65001,
        ["iso-10646/utf8"] = 65001,
        ["cp65001"] = 65001,
        // Without a mark the little end comes first in nearly all that is sent.
        ["utf-16"] = 1200,
        ["ucs-2"] = 1200,
        ["iso-10646-ucs-2"] = 1200,
        ["utf-32"] = 12000,
        ["gb2312"] = 54936,
        ["gb_2312-80"] = 54936,
        ["csgb2312"] = 54936,
        ["gbk"] = 54936,
        ["x-gbk"] = 54936,
        ["cp936"] = 54936,
        ["windows-936"] = 54936,
        ["euc-cn"] = 54936,
        ["x-euc-cn"] = 54936,
        ["gb18030"] = 54936,
        ["ks_c_5601-1987"] = 949,
        ["ks_c_5601-1989"] = 949,
        ["ksc_5601"] = 949,
        ["ksc5601"] = 949,
        ["korean"] = 949,
        ["euc-kr"] = 949,
        ["cp949"] = 949,
        ["windows-949"] = 949,
        ["x-windows-949"] = 949,
        ["uhc"] = 949,
        ["x-sjis"] = 932,
        ["sjis"] = 932,
        ["shift_jis"] = 932,
        ["shift-jis"] = 932,
        ["ms_kanji"] = 932,
        ["cp932"] = 932,
        ["windows-31j"] = 932,
        ["x-ms-cp932"] = 932,
        ["iso-2022-jp"] = 50220,
        ["iso-2022-jp-1"] = 50220,
        ["iso-2022-jp-ms"] = 50221,
        ["cp50220"] = 50220,
        ["cp50221"] = 50221,
        ["x-euc-jp"] = 51932,
        ["eucjp"] = 51932,
        ["big5-hkscs"] = 950,
        ["x-x-big5"] = 950,
        ["cp950"] = 950,
        ["windows-950"] = 950,
        ["hz-gb-2312"] = 52936,
        ["tis-620"] = 874,
        ["iso-8859-11"] = 874,
        ["iso8859-11"] = 874,
        ["windows-874"] = 874,
        ["cp874"] = 874,
        ["iso-8859-8-i"] = 28598,
        ["iso-8859-8-e"] = 28598,
        ["iso-8859-6-i"] = 28596,
        ["iso-8859-6-e"] = 28596,
        ["x-mac-roman"] = 10000,
        ["macroman"] = 10000,
        ["x-macintosh"] = 10000,
        ["koi8r"] = 20866,
        ["koi"] = 20866,
        ["koi8u"] = 21866,
        ["koi8-ru"] = 21866,
    };

    /// <summary>Encodings found so far by their lower-case name; only what exists gets in, so it stays small.</summary>
    static readonly ConcurrentDictionary<string, Encoding> Known = new(StringComparer.Ordinal);

    /// <summary>UTF-8 that gives U+FFFD for what is not.</summary>
    internal static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    /// <summary>What 8-bit octets without a charset most likely are when they are not UTF-8.</summary>
    internal static readonly Encoding Windows1252 = Page(1252)!;

    /// <summary>The encoding of a charset name in any case, or null when there is none.</summary>
    public static Encoding? Find(ReadOnlySpan<byte> name)
    {
        name = name.Trim(" \t\r\n\"'"u8);
        if (name.Length is 0 or > MaxName || !Ascii.IsValid(name)) return null;
        Span<char> lower = stackalloc char[MaxName];
        Ascii.ToLower(name, lower, out var n);
        return Find(lower[..n]);
    }

    /// <inheritdoc cref="Find(ReadOnlySpan{byte})"/>
    public static Encoding? Find(string name) => Find(Encoding.UTF8.GetBytes(name));

    static Encoding? Find(ReadOnlySpan<char> lower)
    {
        if (Known.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(lower, out var known)) return known;
        var name = new string(lower);
        var found = Make(name);
        if (found is not null) Known.TryAdd(name, found);
        return found;
    }

    /// <summary>
    /// Octets of unknown charset as text: UTF-8 when they are, else windows-1252. Raw 8-bit header fields are read so.
    /// </summary>
    public static string Guess(ReadOnlySpan<byte> octets) =>
        (System.Text.Unicode.Utf8.IsValid(octets) ? Utf8 : Windows1252).GetString(octets);

    static Encoding? Make(string name) => name switch
    {
        "utf-7" or "utf7" or "unicode-1-1-utf-7" or "x-unicode-2-0-utf-7" or "csunicode11utf7" => new Utf7Encoding(),
        "iso-8859-10" or "iso8859-10" or "iso_8859-10" or "latin6" or "l6" => SingleOctetEncoding.Latin6,
        "iso-8859-14" or "iso8859-14" or "iso_8859-14" or "latin8" or "l8" => SingleOctetEncoding.Latin8,
        "iso-8859-16" or "iso8859-16" or "iso_8859-16" or "latin10" or "l10" => SingleOctetEncoding.Latin10,
        _ when Aliases.TryGetValue(name, out var page) => Page(page),
        _ => ByName(name),
    };

    static Encoding? ByName(string name)
    {
        var own = Lenient(CodePagesEncodingProvider.Instance.GetEncoding(name));
        if (own is not null) return own;
        try
        {
            return Lenient(Encoding.GetEncoding(name)) ?? Numbered(name);
        }
        catch (ArgumentException)
        {
            return Numbered(name);
        }
    }

    /// <summary>"cp1250", "ibm850", "windows-1256", "iso8859-5", "dos-852" and so on, where the runtime wants another spelling.</summary>
    static Encoding? Numbered(string name)
    {
        foreach (var (prefix, add) in (ReadOnlySpan<(string, int)>)[("iso8859-", 28590), ("iso_8859-", 28590), ("cp", 0), ("ibm", 0), ("windows-", 0), ("win-", 0), ("x-cp", 0), ("dos-", 0), ("ms", 0)])
            if (name.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(prefix.Length), System.Globalization.NumberStyles.None, null, out var number)
                && number is > 0 and < 65536 - 28590)
                return Page(number + add);
        return null;
    }

    static Encoding? Page(int page)
    {
        if (page == 65001) return Utf8;
        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(page, EncoderFallback.ReplacementFallback, Fallback)
                   ?? Encoding.GetEncoding(page, EncoderFallback.ReplacementFallback, Fallback);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    static Encoding? Lenient(Encoding? encoding) => encoding is null || encoding.CodePage == 65000 ? null : Page(encoding.CodePage);
}
