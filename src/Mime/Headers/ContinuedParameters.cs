using System.Buffers;
using System.Text;
using Posthorn.Mime.Encodings;

namespace Posthorn.Mime.Headers;

/// <summary>
/// Parameters that were split or encoded (RFC 2231). Splitting is undone when a message is read; the charset stays in the
/// value, as IMAP shows it (RFC 2231 §6), until somebody asks for the text.
/// </summary>
public static class ContinuedParameters
{
    /// <summary>
    /// Joins <c>name*0</c>, <c>name*1</c> … in place. What comes out is called <c>name</c>, or <c>name*</c> when a piece was
    /// percent-encoded. Pieces count up to the first gap; a sequence without its piece 0 is left as it is. The order of names
    /// is kept.
    /// </summary>
    internal static void Join(List<KeyValuePair<string, string>> parameters)
    {
        var any = false;
        foreach (var (name, _) in parameters) any |= IsPiece(name, out _, out _, out _);
        if (!any) return;
        var pieces = new Dictionary<string, SortedDictionary<int, (string Value, bool Encoded)>>(StringComparer.Ordinal);
        foreach (var (name, value) in parameters)
            if (IsPiece(name, out var length, out var number, out var encoded))
            {
                var of = name[..length];
                if (!pieces.TryGetValue(of, out var list)) pieces.Add(of, list = []);
                list.TryAdd(number, (value, encoded));
            }
        var joined = new List<KeyValuePair<string, string>>(parameters.Count);
        foreach (var parameter in parameters)
        {
            if (!IsPiece(parameter.Key, out var length, out _, out _)) joined.Add(parameter);
            else if (pieces.Remove(parameter.Key[..length], out var list))
            {
                if (list.ContainsKey(0)) joined.Add(Together(parameter.Key[..length], list));
                else
                {
                    pieces.Add(parameter.Key[..length], list);
                    joined.Add(parameter);
                }
            }
        }
        parameters.Clear();
        parameters.AddRange(joined);
    }

    static KeyValuePair<string, string> Together(string name, SortedDictionary<int, (string Value, bool Encoded)> pieces)
    {
        var next = 0;
        var encoded = false;
        foreach (var (number, piece) in pieces)
        {
            if (number != next++) break;
            encoded |= piece.Encoded;
        }
        var text = new StringBuilder();
        next = 0;
        foreach (var (number, piece) in pieces)
        {
            if (number != next++) break;
            if (number == 0 && encoded && !piece.Encoded) text.Append("''"); // no charset was named
            if (encoded && !piece.Encoded) PercentEncode(text, piece.Value);
            else text.Append(piece.Value);
        }
        return new(encoded ? name + "*" : name, text.ToString());
    }

    static void PercentEncode(StringBuilder to, string value)
    {
        foreach (var octet in Encoding.UTF8.GetBytes(value))
            if (char.IsAsciiLetterOrDigit((char)octet) || octet is (byte)'.' or (byte)'-' or (byte)'_' or (byte)' ') to.Append((char)octet);
            else to.Append('%').Append(octet.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>True for <c>name*N</c> and <c>name*N*</c>; <c>name*</c> alone is whole.</summary>
    static bool IsPiece(string name, out int length, out int number, out bool encoded)
    {
        number = 0;
        encoded = false;
        length = name.IndexOf('*', StringComparison.Ordinal);
        if (length <= 0 || length == name.Length - 1) return false;
        var digits = name.AsSpan(length + 1);
        if (digits[^1] == '*')
        {
            encoded = true;
            digits = digits[..^1];
        }
        return digits.Length is > 0 and <= 3 && int.TryParse(digits, System.Globalization.NumberStyles.None, null, out number);
    }

    /// <summary>
    /// The text of a parameter: the encoded form first (RFC 2231 §4), else the plain one, in which encoded words are read too,
    /// though RFC 2047 §5 (3) forbids them. Null when there is none.
    /// </summary>
    public static string? Text(IReadOnlyList<KeyValuePair<string, string>> parameters, string name)
    {
        var plain = default(string);
        foreach (var (key, value) in parameters)
        {
            if (key.Length == name.Length + 1 && key[^1] == '*' && key.StartsWith(name, StringComparison.Ordinal)) return Decoded(value);
            if (key == name) plain ??= value;
        }
        return plain is null ? null : plain.Contains("=?", StringComparison.Ordinal) ? EncodedWords.Decode(Encoding.UTF8.GetBytes(plain)) : plain;
    }

    /// <summary><c>charset'language'percent-encoded</c> as text; in a charset that is not known, or without one, as the octets look.</summary>
    static string Decoded(string value)
    {
        var first = value.IndexOf('\'', StringComparison.Ordinal);
        var second = first < 0 ? -1 : value.IndexOf('\'', first + 1);
        var charset = second < 0 ? null : Charsets.Find(value[..first]);
        var octets = Encoding.UTF8.GetBytes(second < 0 ? value : value[(second + 1)..]);
        var n = 0;
        for (var i = 0; i < octets.Length; i++)
        {
            if (octets[i] == '%' && i + 2 < octets.Length && QuotedPrintableDecoder.IsHex(octets[i + 1]) && QuotedPrintableDecoder.IsHex(octets[i + 2]))
            {
                octets[n++] = (byte)(QuotedPrintableDecoder.Nibble(octets[i + 1]) << 4 | QuotedPrintableDecoder.Nibble(octets[i + 2]));
                i += 2;
            }
            else octets[n++] = octets[i];
        }
        return charset is null ? Charsets.Guess(octets.AsSpan(0, n)) : charset.GetString(octets, 0, n);
    }
}
