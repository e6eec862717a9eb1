using System.Buffers;
using System.Text;

namespace Posthorn.Imap.Grammar;

/// <summary>
/// The words of a command, read straight down: one method for each rule of the grammar (RFC 9051 §9), named after it. What a
/// method demands and does not find is a <see cref="BadSyntax"/>; those called Try look only. Pure, on octets; counts atoms
/// and depth against the limits.
/// </summary>
ref struct ImapReader
{
    // RFC 9051 §9: atom-specials are "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]"; 8-bit octets are no CHAR.
    static readonly SearchValues<byte> AtomChar = SearchValues.Create(
        "!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[^_`abcdefghijklmnopqrstuvwxyz|}~"u8);

    static readonly SearchValues<byte> AStringChar = SearchValues.Create(
        "!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz|}~"u8);

    static readonly SearchValues<byte> ListChar = SearchValues.Create(
        "!#$%&'*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz|}~"u8);

    readonly ReadOnlySpan<byte> _text;
    readonly ImapLimits _limits;
    int _at, _atoms, _depth;

    /// <param name="text">The command, literals in their place; see <see cref="CommandFrame.Text"/>.</param>
    /// <param name="limits">How deep and how many.</param>
    /// <param name="utf8">True after ENABLE of UTF8=ACCEPT or IMAP4rev2: quoted strings and names are UTF-8 (RFC 6855 §3).</param>
    internal ImapReader(ReadOnlySpan<byte> text, ImapLimits limits, bool utf8 = false)
    {
        _text = text;
        _limits = limits;
        Utf8 = utf8;
    }

    internal bool Utf8 { get; }

    /// <summary>How many octets were read.</summary>
    internal readonly int At => _at;

    internal readonly bool AtEnd => _at >= _text.Length;

    /// <summary>The next octet, 0 at the end.</summary>
    internal readonly byte Peek => AtEnd ? (byte)0 : _text[_at];

    internal readonly BadSyntax Bad(string expected) => new(expected, _at + 1);

    internal void SP()
    {
        if (!TryTake((byte)' ')) throw Bad("a space expected");
    }

    internal void End()
    {
        if (!AtEnd) throw Bad("the command should end here");
    }

    internal bool TryTake(byte c)
    {
        if (AtEnd || _text[_at] != c) return false;
        _at++;
        return true;
    }

    internal void Take(byte c, string expected)
    {
        if (!TryTake(c)) throw Bad(expected);
    }

    /// <summary>Takes a word in any case when it is next and ends there.</summary>
    internal bool TryWord(ReadOnlySpan<byte> upper)
    {
        var rest = _text[_at..];
        if (rest.Length < upper.Length || !Ascii.EqualsIgnoreCase(rest[..upper.Length], upper)) return false;
        if (rest.Length > upper.Length && AtomChar.Contains(rest[upper.Length]) && rest[upper.Length] is not ((byte)'[' or (byte)'<')) return false;
        _at += upper.Length;
        Count();
        return true;
    }

    /// <summary>Takes octets in any case, whatever follows.</summary>
    internal bool TryPrefix(ReadOnlySpan<byte> upper)
    {
        var rest = _text[_at..];
        if (rest.Length < upper.Length || !Ascii.EqualsIgnoreCase(rest[..upper.Length], upper)) return false;
        _at += upper.Length;
        return true;
    }

    /// <summary>A parenthesis that opens, one level deeper.</summary>
    internal void Open()
    {
        if (!TryOpen()) throw Bad("( expected");
    }

    internal bool TryOpen()
    {
        if (!TryTake((byte)'(')) return false;
        if (++_depth > _limits.Depth) throw Bad("too many parentheses");
        return true;
    }

    internal void Close()
    {
        if (!TryClose()) throw Bad(") expected");
    }

    internal bool TryClose()
    {
        if (!TryTake((byte)')')) return false;
        _depth--;
        return true;
    }

    /// <summary>Depth without a parenthesis: NOT, OR and FUZZY nest as well.</summary>
    internal void Deeper(int by)
    {
        _depth += by;
        if (_depth > _limits.Depth) throw Bad("too deep");
    }

    void Count()
    {
        if (++_atoms > _limits.Atoms) throw Bad("too many words");
    }

    /// <summary><c>tag = 1*&lt;any ASTRING-CHAR except "+"&gt;</c></summary>
    internal ReadOnlySpan<byte> Tag()
    {
        var start = _at;
        var tag = Run(AStringChar, "a tag expected");
        var plus = tag.IndexOf((byte)'+');
        if (plus < 0) return tag;
        _at = start + plus;
        throw Bad("no + in a tag");
    }

    internal ReadOnlySpan<byte> Atom() => Run(AtomChar, "an atom expected");

    internal string AtomText() => Encoding.ASCII.GetString(Atom());

    /// <summary>An atom in upper case: keywords are that in any case.</summary>
    internal string Keyword() => Encoding.ASCII.GetString(Atom()).ToUpperInvariant();

    /// <summary><c>1*list-char</c>, or a string; no wildcard means anything yet.</summary>
    internal string ListMailbox() => Peek is (byte)'"' or (byte)'{' ? Name(String()) : Name(Run(ListChar, "a mailbox pattern expected"));

    ReadOnlySpan<byte> Run(SearchValues<byte> of, string expected)
    {
        var rest = _text[_at..];
        var n = rest.IndexOfAnyExcept(of);
        if (n < 0) n = rest.Length;
        if (n == 0) throw Bad(expected);
        Count();
        _at += n;
        return rest[..n];
    }

    /// <summary><c>astring = 1*ASTRING-CHAR / string</c>, as octets.</summary>
    internal ReadOnlySpan<byte> AString() => Peek is (byte)'"' or (byte)'{' ? String() : Run(AStringChar, "a string expected");

    /// <summary>An astring as text: UTF-8, or US-ASCII before ENABLE; a literal may hold any octets, which then become U+FFFD.</summary>
    internal string AStringText() => Encoding.UTF8.GetString(AString());

    /// <summary><c>string = quoted / literal</c></summary>
    internal ReadOnlySpan<byte> String()
    {
        if (Peek == '"') return Quoted();
        if (Peek != '{') throw Bad("a string expected");
        var at = _at;
        var literal = Literal();
        if (literal.IndexOf((byte)0) < 0) return literal;
        _at = at;
        throw Bad("no NUL in a literal");
    }

    /// <summary><c>nstring</c>; false for NIL.</summary>
    internal bool TryNString(out ReadOnlySpan<byte> octets)
    {
        octets = default;
        if (Peek is not ((byte)'"' or (byte)'{') && TryWord("NIL"u8)) return false;
        octets = String();
        return true;
    }

    /// <summary>A string that may hold NUL, as literal8 (RFC 3516 §4.4), or an nstring; false for NIL.</summary>
    internal bool TryNString8(out ReadOnlySpan<byte> octets)
    {
        octets = default;
        if (Peek != '~') return TryNString(out octets);
        _at++;
        octets = Literal();
        return true;
    }

    /// <summary>What stands behind a mark that <see cref="CommandReader"/> has put the octets behind.</summary>
    ReadOnlySpan<byte> Literal()
    {
        Take((byte)'{', "a literal expected");
        var size = Number64();
        TryTake((byte)'+');
        if (!TryPrefix("}\r\n"u8)) throw Bad("a literal expected");
        if (size > _text.Length - _at) throw Bad("a literal that is cut off");
        var octets = _text.Slice(_at, (int)size);
        _at += (int)size;
        return octets;
    }

    /// <summary><c>quoted</c>; with UTF-8 in it only where that was agreed on.</summary>
    ReadOnlySpan<byte> Quoted()
    {
        Count();
        _at++;
        var start = _at;
        var rest = _text[_at..];
        var next = rest.IndexOfAny("\"\\"u8);
        if (next >= 0 && rest[next] == '"')
        {
            _at += next + 1;
            return Checked(rest[..next], start);
        }
        var plain = new byte[QuotedLength(rest)];
        var n = 0;
        for (; !AtEnd; _at++)
        {
            var c = _text[_at];
            if (c == '"')
            {
                _at++;
                return Checked(plain.AsSpan(0, n), start);
            }
            if (c == '\\')
            {
                _at++;
                if (Peek is not ((byte)'"' or (byte)'\\')) throw Bad("\\ quotes only \\ and \"");
                c = Peek;
            }
            plain[n++] = c;
        }
        throw Bad("a quoted string without end");
    }

    /// <summary>Octets up to the quote that ends it, so that many small strings in a long line cost no more than the line.</summary>
    static int QuotedLength(ReadOnlySpan<byte> rest)
    {
        var i = 0;
        while (i < rest.Length && rest[i] != '"') i += rest[i] == '\\' ? 2 : 1;
        return Math.Min(i, rest.Length);
    }

    readonly ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> quoted, int start)
    {
        if (quoted.IndexOfAny((byte)0, (byte)'\r', (byte)'\n') >= 0) throw new BadSyntax("no NUL, CR or LF in a quoted string", start + 1);
        if (Ascii.IsValid(quoted)) return quoted;
        if (!Utf8) throw new BadSyntax("8-bit text has to be a literal", start + 1);
        return System.Text.Unicode.Utf8.IsValid(quoted) ? quoted : throw new BadSyntax("not UTF-8", start + 1);
    }

    /// <summary><c>number</c>: 32 bits.</summary>
    internal uint Number()
    {
        var at = _at;
        var n = Number64();
        if (n <= uint.MaxValue) return (uint)n;
        _at = at;
        throw Bad("a number of 32 bits expected");
    }

    internal uint NzNumber()
    {
        var at = _at;
        var n = Number();
        if (n > 0) return n;
        _at = at;
        throw Bad("a number from 1 on expected");
    }

    /// <summary><c>number64</c>: 63 bits.</summary>
    internal long Number64()
    {
        var start = _at;
        long n = 0;
        for (; !AtEnd && _text[_at] is >= (byte)'0' and <= (byte)'9'; _at++)
        {
            var digit = _text[_at] - '0';
            if (n > (long.MaxValue - digit) / 10) throw Bad("a number of 63 bits expected");
            n = n * 10 + digit;
        }
        if (_at == start) throw Bad("a number expected");
        Count();
        return n;
    }

    internal long NzNumber64()
    {
        var n = Number64();
        return n > 0 ? n : throw Bad("a number from 1 on expected");
    }

    /// <summary><c>mailbox</c>: INBOX in any case is INBOX; other names as they are, in UTF-8 or modified UTF-7.</summary>
    internal string Mailbox() => MailboxAsWritten() is var name && name.Equals("INBOX", StringComparison.OrdinalIgnoreCase) ? "INBOX" : name;

    /// <summary>The same, but INBOX as the client wrote it.</summary>
    internal string MailboxAsWritten()
    {
        var at = _at;
        var octets = AString();
        if (octets.Length == 0)
        {
            _at = at;
            throw Bad("a mailbox name expected");
        }
        return Name(octets);
    }

    /// <summary>A name, or a part of one, that may be empty: the reference of LIST.</summary>
    internal string Reference() => Name(AString());

    readonly string Name(ReadOnlySpan<byte> octets)
    {
        // RFC 6855 §3, RFC 9051 §5.1: a name is UTF-8 then; "&" is an ampersand and nothing else.
        if (Utf8) return System.Text.Unicode.Utf8.IsValid(octets) ? Encoding.UTF8.GetString(octets) : throw Bad("a mailbox name in UTF-8 expected");
        return ModifiedUtf7.TryDecode(octets, out var name) ? name : throw Bad("a mailbox name in modified UTF-7 expected");
    }

    /// <summary><c>sequence-set</c>, with "$" for the saved result (RFC 5182).</summary>
    internal SequenceSet SequenceSet(bool star = true)
    {
        if (TryTake((byte)'$'))
        {
            Count();
            return Grammar.SequenceSet.Saved;
        }
        var ranges = new List<SequenceRange>(1);
        do
        {
            var first = SeqNumber(star);
            ranges.Add(new SequenceRange(first, TryTake((byte)':') ? SeqNumber(star) : first));
        }
        while (TryTake((byte)','));
        return new SequenceSet(ranges);
    }

    uint SeqNumber(bool star)
    {
        if (star && TryTake((byte)'*')) return Grammar.SequenceSet.Star;
        return NzNumber();
    }

    /// <summary>What is left, for a look ahead that costs nothing.</summary>
    internal readonly ReadOnlySpan<byte> Rest => _text[_at..];

    /// <summary>Passes octets that <see cref="Rest"/> was looked at for.</summary>
    internal void Skip(int count) => _at += count;
}
