namespace Posthorn.Imap.Grammar;

/// <summary>
/// A mailbox name with wildcards (RFC 9051 §6.3.9): "*" is anything, "%" anything but the delimiter. All places of the pattern
/// that a name may have reached are kept as bits, so that nothing is ever tried twice: a name of n characters costs at most
/// n times (2n + 1) / 64 steps, whatever the pattern.
/// </summary>
sealed class ListPattern
{
    readonly char[] _tokens; // a noncharacter for each wildcard, else the character
    readonly char _delimiter;
    readonly int _literals;
    readonly ulong[] _any, _level; // where the wildcards are
    readonly Dictionary<char, ulong[]> _characters = [];
    readonly ulong[] _now, _next;

    const char Any = '\uFFFF', Level = '\uFFFE';

    /// <param name="pattern">Reference and pattern together, decoded. INBOX in any case is to be given as INBOX.</param>
    /// <param name="delimiter">The hierarchy delimiter.</param>
    internal ListPattern(string pattern, char delimiter)
    {
        _delimiter = delimiter;
        var tokens = new List<char>(pattern.Length);
        foreach (var c in pattern)
        {
            var token = c switch { '*' => Any, '%' => Level, _ => c };
            // Wildcards in a row are one: "*" if any of them is, for then the others add nothing.
            if (token is Any or Level && tokens.Count > 0 && tokens[^1] is Any or Level)
            {
                if (token == Any) tokens[^1] = Any;
            }
            else tokens.Add(token);
        }
        _tokens = [.. tokens];
        var words = _tokens.Length / 64 + 1;
        (_any, _level, _now, _next) = (new ulong[words], new ulong[words], new ulong[words], new ulong[words]);
        for (var i = 0; i < _tokens.Length; i++)
        {
            if (_tokens[i] is Any or Level) Set(_tokens[i] == Any ? _any : _level, i);
            else
            {
                _literals++;
                if (!_characters.TryGetValue(_tokens[i], out var places)) _characters.Add(_tokens[i], places = new ulong[words]);
                Set(places, i);
            }
        }
        HasWildcards = _literals < _tokens.Length;
    }

    internal bool HasWildcards { get; }

    /// <summary>Steps taken by all matches so far, one for each word of bits.</summary>
    internal long Work { get; private set; }

    static void Set(ulong[] bits, int at) => bits[at >> 6] |= 1ul << at;

    /// <summary>True when all of <paramref name="name"/> fits. One thread at a time.</summary>
    internal bool Matches(ReadOnlySpan<char> name)
    {
        if (_literals > name.Length) return false;
        if (!HasWildcards) return name.SequenceEqual(_tokens);
        Array.Clear(_now);
        _now[0] = 1;
        PassWildcards(_now);
        foreach (var c in name)
        {
            if (!Step(c)) return false;
        }
        return (_now[_tokens.Length >> 6] >> _tokens.Length & 1) != 0;
    }

    bool Step(char c)
    {
        var literal = _characters.GetValueOrDefault(c);
        var carry = 0ul;
        var alive = 0ul;
        for (var w = 0; w < _now.Length; w++)
        {
            var moved = literal is null ? 0 : _now[w] & literal[w];
            var stays = _now[w] & (c == _delimiter ? _any[w] : _any[w] | _level[w]);
            _next[w] = moved << 1 | carry | stays;
            carry = moved >> 63;
            alive |= _next[w];
        }
        Work += _now.Length;
        if (alive == 0) return false;
        PassWildcards(_next);
        _next.CopyTo(_now, 0);
        return true;
    }

    /// <summary>A wildcard may be nothing; none follows another, so one move is enough.</summary>
    void PassWildcards(ulong[] bits)
    {
        var carry = 0ul;
        for (var w = 0; w < bits.Length; w++)
        {
            var at = bits[w] | carry;
            var wild = at & (_any[w] | _level[w]);
            carry = wild >> 63;
            bits[w] = at | wild << 1;
        }
    }
}
