using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Envelopes;

/// <summary>
/// An address list as IMAP shows it (RFC 9051 §7.5.2, <c>env-from</c> and its like): <c>(name adl mailbox host)</c> each,
/// groups between a start (host NIL) and an end (mailbox NIL too). Reads what mail holds, with the obsolete forms of RFC 5322
/// §4.4, and makes something sane of the rest: each octet is looked at a constant number of times, nothing recurses, a group
/// that is opened is closed, and only group marks have a NIL host.
/// </summary>
ref struct AddressText
{
    /// <summary>The places where words are collected are bounded by the length of the field, which is rented once.</summary>
    readonly Span<byte> _scratch;

    readonly ReadOnlySpan<byte> _text;
    int _at;

    // Collected words lie in _scratch from _start on: those before an "<", "@" or end decide only then what they were.
    int _used;
    int _lastBlank; // of the last words collected: where a blank was put, and whether anything was in quotes
    bool _quoted;
    ReadOnlySpan<byte> _comment;

    AddressText(ReadOnlySpan<byte> text, Span<byte> scratch)
    {
        _text = text;
        _scratch = scratch;
    }

    /// <summary>
    /// Writes the addresses of a field body, without the parentheses around the list. Returns how many were written, at most
    /// <paramref name="most"/>; group marks count.
    /// </summary>
    internal static int Write(ReadOnlySpan<byte> value, int most, ref ImapText to)
    {
        // The two words of one address, quoting and blanks taken off, are never longer than the field, a blank for each word more.
        var rented = System.Buffers.ArrayPool<byte>.Shared.Rent(value.Length * 2 + 16);
        var count = new AddressText(value, rented).List(most, ref to);
        System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        return count;
    }

    readonly bool End => _at >= _text.Length;

    int List(int most, ref ImapText to)
    {
        var count = 0;
        var inGroup = false;
        while (count < most - (inGroup ? 1 : 0))
        {
            _used = 0;
            _comment = default;
            var words = Words(joined: false);
            var c = End ? (byte)',' : _text[_at];
            switch (c)
            {
                case (byte)':':
                    _at++;
                    if (inGroup || words.Length == 0 || count >= most - 1) break; // a second colon opens nothing
                    Mark(words, ref to);
                    count++;
                    inGroup = true;
                    break;
                case (byte)'<':
                    _at++;
                    Angle(words, ref to);
                    count++;
                    SkipToEnd();
                    break;
                case (byte)'@':
                    _at++;
                    var local = LocalPart(words, out var name);
                    var host = Words(joined: true);
                    if (!End && _text[_at] == '<') // a@x <b@y>: not RFC 5322 but common; the name is an address itself
                    {
                        _at++;
                        Angle(NameOf(local, host), ref to);
                        SkipToEnd();
                    }
                    else
                    {
                        SkipToEnd(); // a comment behind is the name
                        Name(name.Length > 0 ? name : _comment, ref to);
                        Rest(local, host, ref to);
                    }
                    count++;
                    break;
                case (byte)';':
                    if (words.Length > 0)
                    {
                        Bare(words, ref to);
                        count++;
                    }
                    _at++;
                    if (!inGroup) break;
                    to.Raw("(NIL NIL NIL NIL)"u8);
                    count++;
                    inGroup = false;
                    break;
                default: // a comma, the end, or a ">" out of place
                    if (words.Length > 0)
                    {
                        Bare(words, ref to);
                        count++;
                    }
                    if (!End) _at++;
                    else if (inGroup)
                    {
                        to.Raw("(NIL NIL NIL NIL)"u8);
                        return count + 1;
                    }
                    else return count;
                    break;
            }
        }
        if (inGroup)
        {
            to.Raw("(NIL NIL NIL NIL)"u8);
            count++;
        }
        return count;
    }

    static void Mark(ReadOnlySpan<byte> group, ref ImapText to)
    {
        to.Raw("(NIL NIL "u8);
        to.String(group);
        to.Raw(" NIL)"u8);
    }

    readonly void Name(ReadOnlySpan<byte> name, ref ImapText to)
    {
        to.Raw((byte)'(');
        if (name.Length == 0) to.Raw("NIL"u8);
        else to.String(name);
        to.Raw(" NIL "u8);
    }

    static void Rest(ReadOnlySpan<byte> mailbox, ReadOnlySpan<byte> host, ref ImapText to)
    {
        to.String(mailbox);
        to.Raw((byte)' ');
        // A NIL host would make a group of it (RFC 9051 §7.5.2).
        to.String(host);
        to.Raw((byte)')');
    }

    /// <summary>Words without an "@": a local user of some old system, the host is empty.</summary>
    readonly void Bare(ReadOnlySpan<byte> words, ref ImapText to)
    {
        Name(_comment, ref to);
        Rest(words, default, ref to);
    }

    ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> local, ReadOnlySpan<byte> host)
    {
        var start = _used;
        local.CopyTo(_scratch[_used..]);
        _used += local.Length;
        _scratch[_used++] = (byte)'@';
        host.CopyTo(_scratch[_used..]);
        _used += host.Length;
        return _scratch[start.._used];
    }

    /// <summary>Behind "&lt;": a route (RFC 5322 §4.4), local part, host, "&gt;".</summary>
    void Angle(ReadOnlySpan<byte> name, ref ImapText to)
    {
        to.Raw((byte)'(');
        if (name.Length == 0) name = _comment;
        if (name.Length == 0) to.Raw("NIL"u8);
        else to.String(name);
        to.Raw((byte)' ');
        var comment = _comment;
        Route(ref to);
        var local = Words(joined: true);
        ReadOnlySpan<byte> host = default;
        if (!End && _text[_at] == '@')
        {
            _at++;
            host = Words(joined: true);
        }
        _comment = comment;
        to.Raw((byte)' ');
        Rest(local, host, ref to);
    }

    void Route(ref ImapText to)
    {
        var rest = _text[_at..].TrimStart(" \t\r\n"u8);
        var colon = rest.Length > 0 && rest[0] == '@' ? rest.IndexOfAny(":>;"u8) : -1;
        if (colon < 0 || rest[colon] != ':')
        {
            to.Raw("NIL"u8);
            return;
        }
        to.String(rest[..colon].TrimEnd(" \t\r\n"u8));
        _at = _text.Length - rest.Length + colon + 1;
    }

    /// <summary>Passes over what stands between an address and the next comma or semicolon; a comment there may be the name of nobody.</summary>
    void SkipToEnd()
    {
        while (!End && _text[_at] is not ((byte)',' or (byte)';'))
        {
            switch (_text[_at])
            {
                case (byte)'(':
                    Comment();
                    break;
                case (byte)'"':
                    _at++;
                    while (!End && _text[_at] != '"') _at += _text[_at] == '\\' ? 2 : 1;
                    _at++;
                    break;
                default:
                    _at++;
                    break;
            }
        }
        if (!End && _text[_at] == ',') _at++;
        _at = Math.Min(_at, _text.Length);
    }

    /// <summary>
    /// Words up to a special that ends them, without quoting and comments; a blank where white space was between two, unless
    /// they are to be <paramref name="joined"/>.
    /// </summary>
    Span<byte> Words(bool joined)
    {
        var start = _used;
        var blank = false;
        (_lastBlank, _quoted) = (-1, false);
        while (!End)
        {
            var c = _text[_at];
            if (c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                blank = true;
                _at++;
                continue;
            }
            if (c == '(')
            {
                Comment();
                blank = true;
                continue;
            }
            if (c is (byte)',' or (byte)':' or (byte)';' or (byte)'<' or (byte)'>' or (byte)'@' && !(joined && c == ':')) break;
            if (blank && _used > start && !joined)
            {
                _lastBlank = _used - start;
                _scratch[_used++] = (byte)' ';
            }
            blank = false;
            if (c == '"') Quoted();
            else if (c == '[' && joined) Literal();
            else
            {
                if (c == '\\' && _at + 1 < _text.Length)
                {
                    c = _text[++_at];
                    _quoted = true;
                }
                _scratch[_used++] = c;
                _at++;
            }
        }
        return _scratch[start.._used];
    }

    void Quoted()
    {
        _quoted = true;
        _at++;
        while (!End)
        {
            var c = _text[_at++];
            if (c == '"') return;
            if (c == '\\' && !End) c = _text[_at++];
            if (c is not ((byte)'\r' or (byte)'\n')) _scratch[_used++] = c;
        }
    }

    /// <summary>A domain literal, in which a colon is not special.</summary>
    void Literal()
    {
        while (!End && _text[_at] is not ((byte)',' or (byte)'>' or (byte)';'))
        {
            var c = _text[_at++];
            if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) _scratch[_used++] = c;
            if (c == ']') return;
        }
    }

    /// <summary>A comment with those inside it; its text is the name where no other is (RFC 5322 §3.4, the older way).</summary>
    void Comment()
    {
        var start = _at + 1;
        var depth = 0;
        for (; !End; _at++)
        {
            var c = _text[_at];
            if (c == '\\') _at++;
            else if (c == '(') depth++;
            else if (c == ')' && --depth == 0) break;
        }
        var end = Math.Min(_at, _text.Length);
        _at = Math.Min(_at + 1, _text.Length);
        if (_comment.Length == 0) _comment = _text[Math.Min(start, end)..end].Trim(" \t\r\n"u8);
    }

    /// <summary>
    /// Words that turn out to be a local part. Blanks beside dots are not in it (RFC 5322 §4.4, <c>obs-local-part</c>); where
    /// others stand, somebody forgot the angle brackets, and all before the last is a <paramref name="name"/>.
    /// </summary>
    readonly ReadOnlySpan<byte> LocalPart(Span<byte> words, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (_lastBlank < 0) return words;
        var blank = _lastBlank;
        if (!_quoted)
        {
            var n = 0;
            for (var i = 0; i < words.Length; i++)
                if (words[i] != ' ' || !(words[i - 1] == '.' || i + 1 < words.Length && words[i + 1] == '.')) words[n++] = words[i];
            words = words[..n];
            blank = words.LastIndexOf((byte)' ');
        }
        if (blank < 0) return words;
        name = words[..blank];
        return words[(blank + 1)..];
    }
}
