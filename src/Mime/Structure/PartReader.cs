using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Structure;

/// <summary>
/// The one-pass reader behind <see cref="PartTree"/>. It is fed windows of the message, keeps a stack of the parts that are
/// open, and looks only at header fields and at lines that begin with "--"; everything else is skipped with vector searches.
/// Only the innermost part takes fields; a boundary of any open multipart, outermost first, closes all that is inside it.
/// </summary>
sealed class PartReader
{
    enum State { Fields, LongField, Body, Opaque }

    /// <summary>Longest boundary that is looked for. RFC 2046 §5.1.1 allows 70; a line has at most 998.</summary>
    const int MaxBoundary = 996;

    /// <summary>Longest delimiter line, with white space behind it.</summary>
    const int MaxDelimiter = 4096;

    /// <summary>Most octets of a field that are read. Less than a window, so that windows make no difference.</summary>
    internal const int MaxField = PartTree.Window / 2;

    /// <summary>Octets kept before the place of reading: the end of a part lies before its delimiter's CRLF.</summary>
    const int LookBehind = 3;

    OpenPart[] _open = new OpenPart[2];
    int _depth;
    int _parts;
    int _boundaries;
    State _state;
    bool _lineStart;
    Part? _root;

    // The window: _base is the offset in the message of its first octet; lines are counted up to _counted (in the window).
    long _base;
    int _at, _counted;
    long _lines;

    /// <summary>Octets of header text that may still be kept.</summary>
    int _textLeft = PartTree.MaxText;

    /// <param name="prefix">Header lines before the message: they count for its envelope and for nothing else.</param>
    internal PartReader(ReadOnlySpan<byte> prefix)
    {
        Push(0, isMessage: true);
        _open[0].References = new ReferencesField();
        while (HeaderField.Next(prefix, out var length, out _))
        {
            if (FieldLines.TrySplit(prefix[..length], out var name, out var value)) _open[0].Envelope(name, value, ref _textLeft);
            prefix = prefix[length..];
        }
    }

    /// <summary>
    /// Reads what can be read of <paramref name="window"/>. The next window must begin with its octets from the returned
    /// index on, and be longer or as long as a window can be.
    /// </summary>
    internal int Feed(ReadOnlySpan<byte> window, bool final)
    {
        var full = window.Length >= PartTree.Window;
        while (_at < window.Length || final)
        {
            var more = _state switch
            {
                State.Fields => Fields(window, final, full),
                State.LongField => LongField(window, final),
                State.Opaque => Skip(window),
                _ => Body(window, final),
            };
            if (!more) break;
        }
        if (final)
        {
            CloseAll(window);
            return window.Length;
        }
        var keep = Math.Max(0, _at - LookBehind);
        CountTo(window, keep);
        _base += keep;
        _at -= keep;
        _counted -= keep;
        return keep;
    }

    internal Part Finish() => _root!;

    bool Skip(ReadOnlySpan<byte> window)
    {
        _at = window.Length;
        return false;
    }

    /// <summary>One header field, the empty line, or a delimiter inside a header. False when more octets are needed.</summary>
    bool Fields(ReadOnlySpan<byte> window, bool final, bool full)
    {
        var rest = window[_at..];
        if (rest.Length == 0)
        {
            if (final) StartBody(window);
            return final;
        }
        var empty = FieldLines.EmptyLine(rest);
        if (empty > 0)
        {
            _at += empty;
            StartBody(window);
            return true;
        }
        if (rest[0] == '\r' && rest.Length == 1 && !final) return false;
        if (_boundaries > 0 && rest[0] == '-')
        {
            switch (TryDelimiter(window, final))
            {
                case Match.NeedMore: return false;
                case Match.Yes: return true;
            }
        }
        var length = FieldLines.FieldLength(rest, out var ended);
        if (!ended && !final)
        {
            if (!full || _at > LookBehind) return false;
            Field(rest[..length]);
            _at += length;
            _lineStart = rest[^1] == '\n';
            _state = State.LongField;
            return true;
        }
        Field(rest[..length]);
        _at += length;
        return true;
    }

    /// <summary>The rest of a field that is longer than the window.</summary>
    bool LongField(ReadOnlySpan<byte> window, bool final)
    {
        while (_at < window.Length)
        {
            if (_lineStart && window[_at] is not ((byte)' ' or (byte)'\t'))
            {
                _state = State.Fields;
                return true;
            }
            var eol = window[_at..].IndexOf((byte)'\n');
            _lineStart = eol >= 0;
            _at = eol < 0 ? window.Length : _at + eol + 1;
        }
        if (final) _state = State.Fields;
        return final;
    }

    void Field(ReadOnlySpan<byte> field) => _open[_depth - 1].Field(field[..Math.Min(field.Length, MaxField)], ref _textLeft);

    void StartBody(ReadOnlySpan<byte> window)
    {
        ref var f = ref _open[_depth - 1];
        f.BodyStart = _base + _at;
        CountTo(window, _at);
        f.LinesBefore = _lines;
        f.EndHeader(inDigest: _depth > 1 && _open[_depth - 2].IsDigest);
        _state = State.Body;
        _lineStart = true;
        if (f.Type == "multipart") StartMultipart(ref f);
        else if (f.IsPlainMessage) StartMessage(ref f);
    }

    void StartMultipart(ref OpenPart f)
    {
        if (f.NamedBoundary is not { Length: > 0 and <= MaxBoundary } boundary) return;
        if (_depth >= PartTree.MaxDepth)
        {
            f.MakeOpaque();
            return;
        }
        f.Boundary = System.Text.Encoding.UTF8.GetBytes(boundary);
        _boundaries++;
    }

    void StartMessage(ref OpenPart f)
    {
        if (_depth >= PartTree.MaxDepth || _parts >= PartTree.MaxParts - 1) f.MakeOpaque();
        else Push(_base + _at, isMessage: true);
    }

    void Push(long headerStart, bool isMessage)
    {
        if (_depth == _open.Length) Array.Resize(ref _open, _open.Length * 2);
        _open[_depth++] = new OpenPart(headerStart, isMessage);
        _parts++;
        _state = State.Fields;
    }

    /// <summary>The body of the innermost open part, up to the next delimiter. False when more octets are needed.</summary>
    bool Body(ReadOnlySpan<byte> window, bool final)
    {
        if (_boundaries == 0) return Skip(window);
        while (_at < window.Length)
        {
            if (_lineStart)
            {
                switch (TryDelimiter(window, final))
                {
                    case Match.NeedMore: return false;
                    case Match.Yes: return true;
                }
                _lineStart = false;
            }
            var rest = window[_at..];
            var next = rest.IndexOf("\n--"u8);
            if (next < 0)
            {
                // "\n" and "\n-" at the end may be the start of a delimiter
                var tail = final ? 0 : rest[^1] == '\n' ? 1 : rest.Length > 1 && rest[^1] == '-' && rest[^2] == '\n' ? 2 : 0;
                _at = window.Length - tail;
                return false;
            }
            _at += next + 1;
            _lineStart = true;
        }
        return false;
    }

    enum Match { No, Yes, NeedMore }

    /// <summary>
    /// A delimiter line at the place of reading (RFC 2046 §5.1.1): "--", the boundary, "--" for the last one, white space. The
    /// whole line must fit, so that a boundary which begins with another one is not taken for it.
    /// </summary>
    Match TryDelimiter(ReadOnlySpan<byte> window, bool final)
    {
        var rest = window[_at..];
        if (rest.Length < 2 && !final) return Match.NeedMore;
        if (!rest.StartsWith("--"u8)) return Match.No;
        var eol = (rest.Length > MaxDelimiter ? rest[..MaxDelimiter] : rest).IndexOf((byte)'\n');
        if (eol < 0 && rest.Length > MaxDelimiter) return Match.No;
        if (eol < 0 && !final) return Match.NeedMore;
        var line = (eol < 0 ? rest : rest[..eol])[2..].TrimEnd(" \t\r"u8);
        for (var k = 0; k < _depth; k++)
        {
            if (_open[k].Boundary is not { } boundary || !line.StartsWith(boundary)) continue;
            var closing = line.Length == boundary.Length + 2 && line.EndsWith("--"u8);
            if (!closing && line.Length != boundary.Length) continue;
            Delimiter(window, k, closing, eol < 0 ? rest.Length : eol + 1);
            return Match.Yes;
        }
        return Match.No;
    }

    void Delimiter(ReadOnlySpan<byte> window, int owner, bool closing, int length)
    {
        // The line end before a delimiter belongs to it, not to the part.
        var end = _at;
        if (end > 0 && window[end - 1] == '\n') end--;
        if (end > 0 && end < _at && window[end - 1] == '\r') end--;
        while (_depth > owner + 1) Close(window, end);
        _at += length;
        if (closing)
        {
            _open[owner].Boundary = null; // what follows is the epilogue
            _boundaries--;
            _state = State.Body;
            _lineStart = true;
        }
        else if (_parts < PartTree.MaxParts - 1) Push(_base + _at, isMessage: false);
        else
        {
            // The last part that is allowed: all the rest of the message, unread.
            Push(_base + _at, isMessage: false);
            ref var f = ref _open[_depth - 1];
            f.MakeOpaque();
            f.BodyStart = f.HeaderStart;
            CountTo(window, _at);
            f.LinesBefore = _lines;
            _state = State.Opaque;
        }
    }

    /// <summary>Completes the innermost open part; <paramref name="end"/> is where its octets end in the window.</summary>
    void Close(ReadOnlySpan<byte> window, int end)
    {
        ref var f = ref _open[_depth - 1];
        if (f.BodyStart < 0)
        {
            // A header without an empty line, cut off by a delimiter: all of it is header.
            var stop = Math.Max(f.HeaderStart, _base + end);
            CountTo(window, (int)(stop - _base));
            (f.BodyStart, f.LinesBefore) = (stop, _lines);
            f.EndHeader(inDigest: false);
        }
        var endOffset = Math.Max(Math.Max(f.BodyStart, f.ChildrenEnd), _base + end);
        CountTo(window, (int)(endOffset - _base));
        var lines = _lines - f.LinesBefore;
        if (endOffset > f.BodyStart && window[(int)(endOffset - _base) - 1] != '\n') lines++;
        var part = f.Close(endOffset, lines);
        if (f.Boundary is not null) _boundaries--;
        f = default;
        if (--_depth == 0) _root = part;
        else _open[_depth - 1].Add(part);
    }

    void CloseAll(ReadOnlySpan<byte> window)
    {
        while (_depth > 0) Close(window, window.Length);
    }

    void CountTo(ReadOnlySpan<byte> window, int to)
    {
        if (to <= _counted) return;
        _lines += window[_counted..to].Count((byte)'\n');
        _counted = to;
    }
}
