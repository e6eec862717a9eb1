using System.Buffers;
using System.Text;

namespace Posthorn.Mime.Headers;

/// <summary>
/// Reads an address list (RFC 5322 §3.4, with the obsolete forms of §4.4): mailboxes, groups, routes, quoted strings,
/// comments, folded lines, raw 8-bit names. Gives the addr-specs only. No recursion, linear in time.
/// </summary>
public static class AddressList
{
    /// <summary>Most addresses of one list.</summary>
    public const int MaxAddresses = 1000;

    /// <summary>Deepest nesting of comments.</summary>
    public const int MaxCommentDepth = 32;

    /// <summary>Longest local part and longest domain that is read, octets; SMTP's own limits are tighter.</summary>
    const int MaxPart = 255;

    static readonly SearchValues<byte> Atext = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"u8);

    /// <summary>
    /// Adds the addr-specs of the field body <paramref name="value"/> to <paramref name="into"/>, local parts quoted only
    /// where they must be. False when the list is not one in whole (what was read before that is kept), or too long. A name
    /// that is itself an address (<c>a@x &lt;b@y&gt;</c>, not RFC 5322 but common) gives both, so that a check of all
    /// addresses covers whatever a reader may show.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> value, List<string> into)
    {
        var r = new Reader(value, into);
        return r.List();
    }

    ref struct Reader(ReadOnlySpan<byte> text, List<string> into)
    {
        readonly ReadOnlySpan<byte> _text = text;
        readonly List<string> _into = into;
        int _at;

        readonly bool End => _at >= _text.Length;
        readonly byte Next => _text[_at];

        /// <summary><c>address-list</c>; empty elements are the obsolete form.</summary>
        internal bool List()
        {
            var inGroup = false;
            Span<byte> local = stackalloc byte[MaxPart];
            while (true)
            {
                if (!Cfws()) return false;
                if (End) return !inGroup;
                switch (Next)
                {
                    case (byte)',':
                        _at++;
                        continue;
                    case (byte)';' when inGroup:
                        _at++;
                        inGroup = false;
                        if (!Cfws() || !End && Next != ',') return false;
                        continue;
                }
                if (!Words(local, out var n, out var isLocalPart, out var words)) return false;
                if (End) return false;
                switch (Next)
                {
                    case (byte)':' when words && !inGroup: // group = display-name ":" … ";"
                        _at++;
                        inGroup = true;
                        continue;
                    case (byte)'@' when isLocalPart:
                        _at++;
                        if (!AddrSpecEnd(local[..n]) || !Cfws()) return false;
                        if (!End && Next == '<' && !AngleAddr(local)) return false;
                        break;
                    case (byte)'<':
                        if (!AngleAddr(local)) return false;
                        break;
                    default:
                        return false;
                }
                if (!Cfws()) return false;
                if (!End && Next != ',' && !(inGroup && Next == ';')) return false;
            }
        }

        /// <summary>
        /// Words up to a special: a display name or a local part, which only the next octet tells apart. It is a local part
        /// when words and dots take turns (<c>obs-local-part = word *("." word)</c>).
        /// </summary>
        bool Words(scoped Span<byte> local, out int n, out bool isLocalPart, out bool any)
        {
            n = 0;
            any = false;
            isLocalPart = true;
            var afterWord = false;
            while (!End)
            {
                var c = Next;
                if (c == '"')
                {
                    isLocalPart &= !afterWord;
                    if (!QuotedString(local, ref n, ref isLocalPart)) return false;
                    any = afterWord = true;
                }
                else if (c == '.')
                {
                    isLocalPart &= afterWord;
                    Put(local, ref n, c, ref isLocalPart);
                    afterWord = false;
                    _at++;
                }
                else if (IsAtext(c))
                {
                    isLocalPart &= !afterWord;
                    var start = _at;
                    while (!End && IsAtext(Next)) _at++;
                    var atom = _text[start.._at];
                    // An encoded word is never part of an address (RFC 2047 §5); readers that decode it would show another one.
                    if (atom.IndexOf("=?"u8) >= 0 && atom.IndexOf("?="u8) >= 0) isLocalPart = false;
                    if (n + atom.Length > local.Length) isLocalPart = false;
                    else
                    {
                        atom.CopyTo(local[n..]);
                        n += atom.Length;
                    }
                    any = afterWord = true;
                }
                else if (c is (byte)'[' or (byte)']') // not allowed bare in a name, yet "[list] name" is everywhere
                {
                    isLocalPart = false;
                    any = true;
                    _at++;
                }
                else break;
                if (!Cfws()) return false;
            }
            isLocalPart &= afterWord && n > 0;
            return true;
        }

        bool QuotedString(scoped Span<byte> local, ref int n, ref bool fits)
        {
            _at++;
            while (!End)
            {
                var c = _text[_at++];
                if (c == '"') return true;
                if (c == '\\')
                {
                    if (End) return false;
                    c = _text[_at++];
                }
                if (c is (byte)'\r' or (byte)'\n') continue; // folding
                if (c == 0) return false;
                if (c < 32 && c != '\t' || c == 127) fits = false; // good enough for a name, not for an address
                Put(local, ref n, c, ref fits);
            }
            return false;
        }

        static void Put(Span<byte> to, ref int n, byte c, ref bool fits)
        {
            if (n < to.Length) to[n++] = c;
            else fits = false;
        }

        /// <summary><c>angle-addr</c>, also with a route (RFC 5322 §4.4), which is read and dropped.</summary>
        bool AngleAddr(scoped Span<byte> local)
        {
            _at++;
            if (!Cfws()) return false;
            Span<byte> domain = stackalloc byte[MaxPart];
            if (!End && Next is (byte)'@' or (byte)',')
            {
                while (!End && Next != ':')
                {
                    if (Next == ',') _at++;
                    else if (Next != '@') return false;
                    else
                    {
                        _at++;
                        if (!Domain(domain, out _)) return false;
                    }
                    if (!Cfws()) return false;
                }
                if (End) return false;
                _at++;
                if (!Cfws()) return false;
            }
            if (!Words(local, out var n, out var isLocalPart, out _) || !isLocalPart || End || Next != '@') return false;
            _at++;
            if (!AddrSpecEnd(local[..n]) || !Cfws() || End || Next != '>') return false;
            _at++;
            return true;
        }

        /// <summary>The domain of an addr-spec whose local part and "@" are read; adds the address.</summary>
        bool AddrSpecEnd(scoped ReadOnlySpan<byte> local)
        {
            Span<byte> domain = stackalloc byte[MaxPart];
            if (!Domain(domain, out var n)) return false;
            if (_into.Count >= MaxAddresses) return false;
            _into.Add(AddrSpec(local, domain[..n]));
            return true;
        }

        /// <summary><c>domain = dot-atom / domain-literal / obs-domain</c>, without the white space and comments in it.</summary>
        bool Domain(scoped Span<byte> into, out int n)
        {
            n = 0;
            if (!Cfws() || End) return false;
            var fits = true;
            if (Next == '[')
            {
                var close = _text[_at..].IndexOf((byte)']');
                if (close < 0 || close >= into.Length) return false;
                foreach (var c in _text.Slice(_at, close + 1))
                {
                    if (c is <= 32 or 127 or (byte)'\\') return false;
                    Put(into, ref n, c, ref fits);
                }
                _at += close + 1;
                return true;
            }
            while (true)
            {
                var start = _at;
                while (!End && IsAtext(Next)) Put(into, ref n, _text[_at++], ref fits);
                if (_at == start || !fits) return false;
                if (!Cfws()) return false;
                if (End || Next != '.') return true;
                Put(into, ref n, (byte)'.', ref fits);
                _at++;
                if (!Cfws()) return false;
            }
        }

        static bool IsAtext(byte c) => c >= 128 || Atext.Contains(c);

        /// <summary><c>CFWS</c>: white space, folding, nested comments. False when a comment does not end, or nests too deep.</summary>
        bool Cfws()
        {
            var depth = 0;
            while (!End)
            {
                var c = Next;
                if (c == '(')
                {
                    if (++depth > MaxCommentDepth) return false;
                }
                else if (depth > 0)
                {
                    if (c == ')') depth--;
                    else if (c == '\\') _at++;
                    else if (c == 0) return false;
                }
                else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) return true;
                _at++;
            }
            return depth == 0;
        }
    }

    static string AddrSpec(ReadOnlySpan<byte> local, ReadOnlySpan<byte> domain)
    {
        var dotAtom = local[0] != '.' && local[^1] != '.' && local.IndexOf(".."u8) < 0;
        foreach (var c in local) dotAtom &= c == '.' || c >= 128 || Atext.Contains(c);
        Span<byte> text = stackalloc byte[2 * MaxPart + 3 + MaxPart];
        var n = 0;
        if (!dotAtom) text[n++] = (byte)'"';
        foreach (var c in local)
        {
            if (!dotAtom && c is (byte)'"' or (byte)'\\') text[n++] = (byte)'\\';
            text[n++] = c;
        }
        if (!dotAtom) text[n++] = (byte)'"';
        text[n++] = (byte)'@';
        domain.CopyTo(text[n..]);
        return Encoding.UTF8.GetString(text[..(n + domain.Length)]);
    }
}
