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
    /// <summary>A part that is still open.</summary>
    struct Frame
    {
        internal long HeaderStart, BodyStart, LinesBefore;
        internal string? Type, Subtype, Encoding, Id, Description, Md5, Disposition, Location;
        internal List<KeyValuePair<string, string>>? Parameters, DispositionParameters;
        internal List<string>? Languages;

        /// <summary>Takes the fields of a message's header; null for a part that is no message, and once the header ended.</summary>
        internal EnvelopeBuilder? Builder;
        internal byte[]? Envelope;

        /// <summary>Children that are complete; made when there is one.</summary>
        internal List<Part>? Parts;

        /// <summary>What ends its children; null for other types, and once the closing delimiter was there.</summary>
        internal byte[]? Boundary;
        internal bool Digest;
    }

    enum State { Fields, LongField, Body, Opaque }

    /// <summary>Longest boundary that is looked for. RFC 2046 §5.1.1 allows 70; a line has at most 998.</summary>
    const int MaxBoundary = 996;

    /// <summary>Longest delimiter line, with white space behind it.</summary>
    const int MaxDelimiter = 4096;

    /// <summary>Most octets of a field that are read. Less than a window, so that windows make no difference.</summary>
    internal const int MaxField = PartTree.Window / 2;

    /// <summary>Octets kept before the place of reading: the end of a part lies before its delimiter's CRLF.</summary>
    const int LookBehind = 3;

    Frame[] _open = new Frame[2];
    int _depth;
    int _parts;
    int _boundaries;
    State _state;
    bool _lineStart;
    Part? _root;
    readonly ReferencesField _references = new(); // of the message itself

    // The window: _base is the offset in the message of its first octet; lines are counted up to _counted (in the window).
    long _base;
    int _at, _counted;
    long _lines;

    /// <summary>Octets of header text that may still be kept.</summary>
    int _textLeft = PartTree.MaxText;

    /// <param name="prefix">Header lines before the message: they count for its envelope and for nothing else.</param>
    internal PartReader(ReadOnlySpan<byte> prefix)
    {
        Push(0, new EnvelopeBuilder());
        while (HeaderField.Next(prefix, out var length, out _))
        {
            if (FieldLines.TrySplit(prefix[..length], out var name, out var value)) Envelope(ref _open[0], name, value);
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

    void Field(ReadOnlySpan<byte> field)
    {
        ref var f = ref _open[_depth - 1];
        var content = field[0] is (byte)'C' or (byte)'c';
        if (!content && f.Builder is null || !FieldLines.TrySplit(field[..Math.Min(field.Length, MaxField)], out var name, out var value)) return;
        if (content && name.Length >= 10) Content(ref f, name, value);
        else Envelope(ref f, name, value);
    }

    void Envelope(ref Frame f, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (_depth == 1 && ReferencesField.Is(name)) _references.Add(value);
        else if (f.Builder is { } builder && EnvelopeBuilder.Wants(name) && Afford(value)) builder.Field(name, value);
    }

    /// <summary>The first field of a name counts.</summary>
    void Content(ref Frame f, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 10 when f.Id is null && FieldLines.Is(name, "content-id"u8):
                if (Afford(value)) f.Id = ContentFields.Text(value);
                break;
            case 11 when f.Md5 is null && FieldLines.Is(name, "content-md5"u8):
                if (Afford(value)) f.Md5 = ContentFields.Text(value);
                break;
            case 12 when f.Type is null && FieldLines.Is(name, "content-type"u8):
                // Without its boundary a multipart past the limit is one opaque thing.
                if (!Afford(value)) MakeOpaque(ref f);
                else if (ContentFields.TryContentType(value, out var type, out var subtype, out f.Parameters)) (f.Type, f.Subtype) = (type, subtype);
                else PlainText(ref f); // RFC 2045 §5.2
                break;
            case 16 when f.Languages is null && FieldLines.Is(name, "content-language"u8):
                if (Afford(value)) f.Languages = ContentFields.Languages(value);
                break;
            case 16 when f.Location is null && FieldLines.Is(name, "content-location"u8):
                if (Afford(value)) f.Location = ContentFields.Location(value);
                break;
            case 19 when f.Disposition is null && FieldLines.Is(name, "content-disposition"u8):
                if (Afford(value) && ContentFields.TryDisposition(value, out var disposition, out f.DispositionParameters)) f.Disposition = disposition;
                break;
            case 19 when f.Description is null && FieldLines.Is(name, "content-description"u8):
                if (Afford(value)) f.Description = ContentFields.Text(value);
                break;
            case 25 when f.Encoding is null && FieldLines.Is(name, "content-transfer-encoding"u8):
                f.Encoding = ContentFields.Encoding(value);
                break;
        }
    }

    /// <summary>True when the text of a field can still be kept; counts it.</summary>
    bool Afford(ReadOnlySpan<byte> value)
    {
        if (value.Length > _textLeft) return false;
        _textLeft -= value.Length;
        return true;
    }

    static readonly KeyValuePair<string, string> UsAscii = new("charset", "us-ascii");

    static void PlainText(ref Frame f)
    {
        (f.Type, f.Subtype) = ("text", "plain");
        (f.Parameters ??= new List<KeyValuePair<string, string>>(1)).Add(UsAscii);
    }

    static void EndHeader(ref Frame f)
    {
        f.Envelope = f.Builder?.Build();
        f.Builder = null;
    }

    void StartBody(ReadOnlySpan<byte> window)
    {
        ref var f = ref _open[_depth - 1];
        f.BodyStart = _base + _at;
        CountTo(window, _at);
        f.LinesBefore = _lines;
        EndHeader(ref f);
        if (f.Type is null)
        {
            // RFC 2046 §5.1.5: the default in a digest
            if (_depth > 1 && _open[_depth - 2].Digest) (f.Type, f.Subtype) = ("message", "rfc822");
            else PlainText(ref f);
        }
        _state = State.Body;
        _lineStart = true;
        if (f.Type == "multipart") StartMultipart(ref f);
        else if (f.Type == "message" && f.Subtype is "rfc822" or "global" && f.Encoding is null or "7bit" or "8bit" or "binary") StartMessage(ref f);
    }

    void StartMultipart(ref Frame f)
    {
        var boundary = default(string);
        if (f.Parameters is not null)
            foreach (var (name, value) in f.Parameters)
                if (name == "boundary") boundary = value.TrimEnd(' ', '\t');
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundary) return;
        if (_depth >= PartTree.MaxDepth)
        {
            MakeOpaque(ref f);
            return;
        }
        f.Boundary = System.Text.Encoding.UTF8.GetBytes(boundary);
        f.Digest = f.Subtype == "digest";
        _boundaries++;
    }

    void StartMessage(ref Frame f)
    {
        if (_depth >= PartTree.MaxDepth || _parts >= PartTree.MaxParts - 1) MakeOpaque(ref f);
        else Push(_base + _at, new EnvelopeBuilder());
    }

    static void MakeOpaque(ref Frame f)
    {
        (f.Type, f.Subtype) = ("application", "octet-stream");
        f.Parameters = null;
    }

    void Push(long headerStart, EnvelopeBuilder? builder)
    {
        if (_depth == _open.Length) Array.Resize(ref _open, _open.Length * 2);
        _open[_depth++] = new Frame { HeaderStart = headerStart, BodyStart = -1, Builder = builder };
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
        else if (_parts < PartTree.MaxParts - 1) Push(_base + _at, null);
        else
        {
            // The last part that is allowed: all the rest of the message, unread.
            Push(_base + _at, null);
            ref var f = ref _open[_depth - 1];
            MakeOpaque(ref f);
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
            EndHeader(ref f);
            if (f.Type is null) PlainText(ref f);
        }
        var least = f.BodyStart;
        if (f.Parts is { } parts) least = Math.Max(least, parts[^1].End);
        var endOffset = Math.Max(least, _base + end);
        CountTo(window, (int)(endOffset - _base));
        var lines = _lines - f.LinesBefore;
        if (endOffset > f.BodyStart && window[(int)(endOffset - _base) - 1] != '\n') lines++;
        var part = new Part
        {
            HeaderStart = f.HeaderStart,
            BodyStart = f.BodyStart,
            End = endOffset,
            Lines = lines,
            Type = f.Type!,
            Subtype = f.Subtype!,
            Encoding = f.Encoding ?? "7bit",
            Parameters = (IReadOnlyList<KeyValuePair<string, string>>?)f.Parameters ?? [],
            Id = f.Id,
            Description = f.Description,
            Md5 = f.Md5,
            Disposition = f.Disposition,
            DispositionParameters = (IReadOnlyList<KeyValuePair<string, string>>?)f.DispositionParameters ?? [],
            Languages = (IReadOnlyList<string>?)f.Languages ?? [],
            Location = f.Location,
            Envelope = f.Envelope,
            References = _depth == 1 ? _references.Text : null,
            Parts = (IReadOnlyList<Part>?)f.Parts ?? [],
        };
        if (f.Boundary is not null) _boundaries--;
        f = default;
        if (--_depth == 0) _root = part;
        else (_open[_depth - 1].Parts ??= new List<Part>(_open[_depth - 1].Type == "message" ? 1 : 4)).Add(part);
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
