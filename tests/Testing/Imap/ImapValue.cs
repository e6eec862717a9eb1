using System.Text;

namespace Posthorn.Tests.Testing.Imap;

/// <summary>
/// IMAP data as a client reads it, strict and slow: a list, a string (Latin 1), a number or atom, or NIL. What does not follow
/// the grammar throws.
/// </summary>
public sealed record ImapValue(IReadOnlyList<ImapValue>? List, string? Text, string? Atom)
{
    public bool IsNil => Atom == "NIL";

    public bool IsString => Text is not null;

    public long Number => long.Parse(Atom!, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture);

    public ImapValue this[int index] => List![index];

    /// <summary>Reads one value that is all of <paramref name="octets"/>.</summary>
    public static ImapValue Parse(ReadOnlySpan<byte> octets)
    {
        var text = Encoding.Latin1.GetString(octets);
        var at = 0;
        var value = Next(text, ref at, 0);
        return at == text.Length ? value : throw new FormatException($"octets behind the value at {at}: {text[at..]}");
    }

    static ImapValue Next(string text, ref int at, int depth)
    {
        if (depth > 400) throw new FormatException("too deep");
        switch (text[at])
        {
            case '(':
                at++;
                var list = new List<ImapValue>();
                while (text[at] != ')')
                {
                    // Lists that follow each other need no space: body-type-mpart and address lists.
                    if (list.Count > 0 && !(text[at] == '(' && list[^1].List is not null))
                    {
                        if (text[at] != ' ') throw new FormatException($"no space at {at}: {text[at..]}");
                        at++;
                    }
                    list.Add(Next(text, ref at, depth + 1));
                }
                at++;
                return new(list, null, null);
            case '"':
                var quoted = new StringBuilder();
                for (at++; text[at] != '"'; at++)
                {
                    if (text[at] == '\\' && text[++at] is not ('"' or '\\')) throw new FormatException("escape of nothing");
                    if (text[at] is '\r' or '\n' or '\0' or > '\x7f') throw new FormatException($"a quoted string cannot hold {(int)text[at]}");
                    quoted.Append(text[at]);
                }
                at++;
                return new(null, quoted.ToString(), null);
            case '{':
                var close = text.IndexOf("}\r\n", at, StringComparison.Ordinal);
                var length = int.Parse(text.AsSpan(at + 1, close - at - 1), System.Globalization.NumberStyles.None);
                at = close + 3 + length;
                var literal = text[(close + 3)..at];
                return literal.Contains('\0') ? throw new FormatException("NUL in a literal") : new(null, literal, null);
            default:
                var start = at;
                while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '\\' or '.' or '-')) at++;
                return at == start ? throw new FormatException($"not a value at {at}: {text[at..]}") : new(null, null, text[start..at]);
        }
    }

    public override string ToString() => List is not null ? "(" + string.Join(' ', List) + ")" : Text is not null ? '"' + Text + '"' : Atom!;
}
