using System.Globalization;
using System.Text;

namespace Posthorn.Imap.Client;

/// <summary>
/// The words of a server's response (RFC 9051 §9), read as generously as can be: other servers write what they like. Literals
/// stand in their place. What cannot be read ends the response.
/// </summary>
ref struct ResponseText(ReadOnlySpan<byte> text)
{
    const int MostDepth = 50;

    readonly ReadOnlySpan<byte> _text = text;
    int _at;

    internal readonly bool AtEnd => _at >= _text.Length;

    internal readonly byte Peek => AtEnd ? (byte)0 : _text[_at];

    internal bool TryTake(byte c)
    {
        if (Peek != c || AtEnd) return false;
        _at++;
        return true;
    }

    internal void Spaces()
    {
        while (TryTake((byte)' ')) { }
    }

    /// <summary>An atom, a quoted string or a literal as text; a section in brackets belongs to its atom. Empty at the end or before a parenthesis.</summary>
    internal string Word()
    {
        Spaces();
        return Encoding.UTF8.GetString(Octets());
    }

    internal uint Number() => uint.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    ReadOnlySpan<byte> Octets()
    {
        if (TryTake((byte)'"')) return Quoted();
        if (Peek == '{' || (Peek == '~' && _at + 1 < _text.Length && _text[_at + 1] == '{')) return Literal();
        var start = _at;
        for (var brackets = 0; !AtEnd; _at++)
        {
            var c = _text[_at];
            if (c == '[') brackets++;
            else if (c == ']') brackets--;
            else if (brackets <= 0 && c is (byte)' ' or (byte)'(' or (byte)')') break;
        }
        return _text[start.._at];
    }

    ReadOnlySpan<byte> Quoted()
    {
        var octets = new List<byte>();
        while (!AtEnd && !TryTake((byte)'"'))
        {
            if (Peek == '\\' && _at + 1 < _text.Length) _at++;
            octets.Add(_text[_at++]);
        }
        return octets.ToArray();
    }

    ReadOnlySpan<byte> Literal()
    {
        var end = _text[_at..].IndexOf("}\r\n"u8);
        var open = _text[_at..].IndexOf((byte)'{');
        if (end < 0 || !int.TryParse(Encoding.ASCII.GetString(_text.Slice(_at + open + 1, end - open - 1)).TrimEnd('+'), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > _text.Length - _at - end - 3)
        {
            _at = _text.Length;
            return default;
        }
        var octets = _text.Slice(_at + end + 3, length);
        _at += end + 3 + length;
        return octets;
    }

    /// <summary>The words of a list, without what is nested in it.</summary>
    internal List<string> List()
    {
        var words = new List<string>();
        Spaces();
        if (!TryTake((byte)'(')) return words;
        while (true)
        {
            Spaces();
            if (AtEnd || TryTake((byte)')')) return words;
            if (Peek == '(') Skip(0);
            else if (Word() is { Length: > 0 } word) words.Add(word);
            else _at++;
        }
    }

    /// <summary>Passes over one value of any kind.</summary>
    internal void Skip(int depth = 0)
    {
        Spaces();
        if (!TryTake((byte)'('))
        {
            Octets();
            return;
        }
        if (depth > MostDepth)
        {
            _at = _text.Length;
            return;
        }
        while (!AtEnd && !TryTake((byte)')'))
        {
            var before = _at;
            Skip(depth + 1);
            if (_at == before) _at++;
        }
    }
}
