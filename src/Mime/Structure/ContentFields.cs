using System.Buffers;
using System.Text;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Structure;

/// <summary>Content-Type and Content-Transfer-Encoding of one part (RFC 2045 §5 and §6), read leniently.</summary>
static class ContentFields
{
    // RFC 2045 §5.1: token = any CHAR except SPACE, CTLs, or tspecials. 8-bit octets are let through: they are seen in names.
    static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>Longest type, subtype, encoding or parameter name; a longer one is unreadable.</summary>
    const int MaxToken = 127;

    /// <summary>Reads <c>type "/" subtype *(";" parameter)</c>; false when type or subtype are not there.</summary>
    internal static bool TryContentType(ReadOnlySpan<byte> value, out string type, out string subtype, out List<KeyValuePair<string, string>>? parameters)
    {
        type = subtype = "";
        parameters = null;
        var at = Cfws(value, 0);
        if (!TryToken(value, ref at, out var t)) return false;
        at = Cfws(value, at);
        if (at >= value.Length || value[at] != '/') return false;
        at = Cfws(value, at + 1);
        if (!TryToken(value, ref at, out var s)) return false;
        type = WellKnown.Lower(t);
        subtype = WellKnown.Lower(s);
        Parameters(value, at, ref parameters);
        return true;
    }

    /// <summary>The encoding in lower case; null when it is not a token.</summary>
    internal static string? Encoding(ReadOnlySpan<byte> value)
    {
        var at = Cfws(value, 0);
        return TryToken(value, ref at, out var token) ? WellKnown.Lower(token) : null;
    }

    /// <summary>The parameters behind the type. What is not a parameter is skipped up to the next semicolon; the first of a name counts.</summary>
    static void Parameters(ReadOnlySpan<byte> value, int at, ref List<KeyValuePair<string, string>>? into)
    {
        for (var read = 0; read < PartTree.MaxParameters;)
        {
            at = Cfws(value, at);
            var semicolon = at < value.Length ? value[at..].IndexOf((byte)';') : -1;
            if (semicolon < 0) return;
            at = Cfws(value, at + semicolon + 1);
            if (!TryToken(value, ref at, out var name)) continue;
            at = Cfws(value, at);
            if (at >= value.Length || value[at] != '=') continue;
            at = Cfws(value, at + 1);
            var text = Value(value, ref at);
            var key = WellKnown.Lower(name);
            into ??= new List<KeyValuePair<string, string>>(2);
            read++;
            if (!Has(into, key)) into.Add(new(key, text));
        }
    }

    static bool Has(List<KeyValuePair<string, string>> list, string key)
    {
        foreach (var (name, _) in list)
            if (name == key) return true;
        return false;
    }

    /// <summary><c>value := token / quoted-string</c>; unquoted values run to the next semicolon or white space, since many hold tspecials.</summary>
    static string Value(ReadOnlySpan<byte> value, ref int at)
    {
        if (at < value.Length && value[at] == '"') return Quoted(value, ref at);
        var start = at;
        while (at < value.Length && value[at] is not ((byte)';' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) at++;
        return WellKnown.Text(value[start..at]);
    }

    static string Quoted(ReadOnlySpan<byte> value, ref int at)
    {
        var start = ++at;
        var simple = true;
        for (; at < value.Length && value[at] != '"'; at++)
        {
            if (value[at] == '\\') { simple = false; at++; }
            else if (value[at] is (byte)'\r' or (byte)'\n') simple = false;
        }
        var raw = value[start..Math.Min(at, value.Length)];
        if (at < value.Length) at++;
        if (simple) return WellKnown.Text(raw);
        var plain = ArrayPool<byte>.Shared.Rent(raw.Length);
        var n = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] is (byte)'\r' or (byte)'\n') continue;
            if (raw[i] == '\\' && i + 1 < raw.Length) i++;
            plain[n++] = raw[i];
        }
        var text = WellKnown.Text(plain.AsSpan(0, n));
        ArrayPool<byte>.Shared.Return(plain);
        return text;
    }

    static bool TryToken(ReadOnlySpan<byte> value, ref int at, out ReadOnlySpan<byte> token)
    {
        var rest = at < value.Length ? value[at..] : default;
        var n = rest.IndexOfAnyExcept(Token);
        token = n < 0 ? rest : rest[..n];
        at += token.Length;
        return token.Length is > 0 and <= MaxToken;
    }

    /// <summary>Behind white space and comments. A comment that does not end takes the rest.</summary>
    static int Cfws(ReadOnlySpan<byte> value, int at)
    {
        var depth = 0;
        for (; at < value.Length; at++)
        {
            var c = value[at];
            if (c == '(') depth++;
            else if (depth > 0)
            {
                if (c == ')') depth--;
                else if (c == '\\') at++;
            }
            else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) return at;
        }
        return value.Length;
    }
}

/// <summary>
/// The words that nearly all mail uses, so that reading a message makes no strings for them and storing it needs one octet
/// each. The order is on disk: append only.
/// </summary>
static class WellKnown
{
    internal static readonly string[] Words =
    [
        "text", "plain", "html", "multipart", "mixed", "alternative", "related", "message", "rfc822", "application",
        "octet-stream", "image", "jpeg", "png", "gif", "pdf", "audio", "video", "signed", "report", "digest",
        "delivery-status", "pgp-signature", "pkcs7-signature", "calendar", "7bit", "8bit", "binary", "base64",
        "quoted-printable", "charset", "boundary", "name", "format", "delsp", "type", "utf-8", "UTF-8", "us-ascii",
        "iso-8859-1", "ISO-8859-1", "flowed", "yes", "rfc822-headers", "csv", "zip", "micalg", "protocol", "method", "windows-1252",
    ];

    static readonly System.Collections.Frozen.FrozenDictionary<string, int> Index = MakeIndex();
    static readonly System.Collections.Frozen.FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Lookup =
        Index.GetAlternateLookup<ReadOnlySpan<char>>();

    static System.Collections.Frozen.FrozenDictionary<string, int> MakeIndex()
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < Words.Length; i++) index.Add(Words[i], i);
        return System.Collections.Frozen.FrozenDictionary.ToFrozenDictionary(index, StringComparer.Ordinal);
    }

    internal static int IndexOf(string word) => Index.TryGetValue(word, out var i) ? i : -1;

    /// <summary>A token in lower case.</summary>
    internal static string Lower(ReadOnlySpan<byte> token)
    {
        Span<char> lower = stackalloc char[128];
        Ascii.ToLower(token, lower, out var n);
        return Find(lower[..n]) ?? new string(lower[..n]);
    }

    /// <summary>A raw value as text.</summary>
    internal static string Text(ReadOnlySpan<byte> octets)
    {
        Span<char> ascii = stackalloc char[32];
        if (octets.Length <= ascii.Length && Ascii.ToUtf16(octets, ascii, out var n) == OperationStatus.Done && Find(ascii[..n]) is { } known)
            return known;
        return Encoding.UTF8.GetString(octets);
    }

    static string? Find(ReadOnlySpan<char> word) => Lookup.TryGetValue(word, out var i) ? Words[i] : null;
}
