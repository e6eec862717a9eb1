using System.Buffers;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Structure;

/// <summary>The Content fields of one part (RFC 2045 §5 and §6, RFC 2183, RFC 3282), read leniently.</summary>
static class ContentFields
{
    // RFC 2045 §5.1: token = any CHAR except SPACE, CTLs, or tspecials. 8-bit octets are let through: they are seen in names.
    static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>Longest type, subtype, encoding or parameter name; a longer one is unreadable.</summary>
    const int MaxToken = 127;

    /// <summary>Longest parameter value, id, description or location that is kept; the rest of a longer one is cut off.</summary>
    const int MaxValue = 4096;

    const int MaxLanguages = 16;

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

    /// <summary>Reads <c>disposition-type *(";" disposition-parm)</c> (RFC 2183 §2); false when the type is not there.</summary>
    internal static bool TryDisposition(ReadOnlySpan<byte> value, out string type, out List<KeyValuePair<string, string>>? parameters)
    {
        type = "";
        parameters = null;
        var at = Cfws(value, 0);
        if (!TryToken(value, ref at, out var token)) return false;
        type = WellKnown.Lower(token);
        Parameters(value, at, ref parameters);
        return true;
    }

    /// <summary>The tags between commas (RFC 3282 §2), or null when there is none.</summary>
    internal static List<string>? Languages(ReadOnlySpan<byte> value)
    {
        var tags = default(List<string>);
        for (var at = Cfws(value, 0); at < value.Length && (tags?.Count ?? 0) < MaxLanguages; at = Cfws(value, at + 1))
        {
            if (!TryToken(value, ref at, out var tag)) break;
            (tags ??= new List<string>(1)).Add(WellKnown.Text(tag));
            at = Cfws(value, at);
            if (at >= value.Length || value[at] != ',') break;
        }
        return tags;
    }

    /// <summary>A field body on one line, without the white space around it.</summary>
    internal static string Text(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        return FieldLines.Unfold(Cut(value));
    }

    /// <summary>A location, from which all white space goes (RFC 2557 §4.4.1).</summary>
    internal static string Location(ReadOnlySpan<byte> value)
    {
        var text = Text(value);
        return text.AsSpan().IndexOfAny(' ', '\t') < 0 ? text : string.Concat(text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
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
        ReadParameters(value, at, ref into);
        if (into is not null) ContinuedParameters.Join(into);
    }

    static void ReadParameters(ReadOnlySpan<byte> value, int at, ref List<KeyValuePair<string, string>>? into)
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

    static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> value) => value.Length > MaxValue ? value[..MaxValue] : value;

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
        return WellKnown.Text(Cut(value[start..at]));
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
        var raw = Cut(value[start..Math.Min(at, value.Length)]);
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
