using Posthorn.Mime.Envelopes;
using Posthorn.Mime.Headers;

namespace Posthorn.Mime.Structure;

/// <summary>A part whose end was not read yet: what its header has said so far. An element of the reader's stack, never copied.</summary>
struct OpenPart
{
    static readonly KeyValuePair<string, string> UsAscii = new("charset", "us-ascii");

    List<KeyValuePair<string, string>>? _parameters, _dispositionParameters;
    List<string>? _languages;
    string? _encoding, _id, _description, _md5, _disposition, _location;
    byte[]? _envelope;

    /// <summary>Takes the fields of a message's header; null for a part that is no message, and once the header ended.</summary>
    EnvelopeBuilder? _builder;

    /// <summary>Children that are complete; made when there is one.</summary>
    List<Part>? _parts;

    /// <param name="headerStart">The offset of the header in the message.</param>
    /// <param name="isMessage">A message has an envelope.</param>
    internal OpenPart(long headerStart, bool isMessage) => (HeaderStart, BodyStart, _builder) = (headerStart, -1, isMessage ? new EnvelopeBuilder() : null);

    internal readonly long HeaderStart { get; }

    /// <summary>Negative while the header goes on.</summary>
    internal long BodyStart { get; set; }

    /// <summary>Lines of the message before the body.</summary>
    internal long LinesBefore { get; set; }

    /// <summary>In lower case; null until it is known.</summary>
    internal string? Type { get; private set; }

    internal string? Subtype { get; private set; }

    /// <summary>Takes the References fields of the message itself; null for what is in it.</summary>
    internal ReferencesField? References { readonly get; set; }

    /// <summary>What ends its children; null for other types, and once the closing delimiter was there.</summary>
    internal byte[]? Boundary { get; set; }

    internal readonly bool IsDigest => Type == "multipart" && Subtype == "digest";

    /// <summary>A message whose octets are there as they are, so that its own parts can be read (RFC 2046 §5.2.1, RFC 6532 §3.7).</summary>
    internal readonly bool IsPlainMessage => Type == "message" && Subtype is "rfc822" or "global" && _encoding is null or "7bit" or "8bit" or "binary";

    /// <summary>The boundary that its header names; null for none.</summary>
    internal readonly string? NamedBoundary
    {
        get
        {
            var boundary = default(string);
            if (_parameters is not null)
                foreach (var (name, value) in _parameters)
                    if (name == "boundary") boundary = value.TrimEnd(' ', '\t');
            return boundary;
        }
    }

    /// <summary>The end of its last child; 0 while it has none.</summary>
    internal readonly long ChildrenEnd => _parts is { } parts ? parts[^1].End : 0;

    /// <summary>A field of its header.</summary>
    /// <param name="textLeft">Octets of header text that may still be kept; what is kept is taken off.</param>
    internal void Field(ReadOnlySpan<byte> field, ref int textLeft)
    {
        var content = field[0] is (byte)'C' or (byte)'c';
        if (!content && _builder is null || !FieldLines.TrySplit(field, out var name, out var value)) return;
        if (content && name.Length >= 10) Content(name, value, ref textLeft);
        else Envelope(name, value, ref textLeft);
    }

    /// <summary>A field that counts for the envelope and for nothing else.</summary>
    internal readonly void Envelope(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref int textLeft)
    {
        if (References is { } references && ReferencesField.Is(name)) references.Add(value);
        else if (_builder is { } builder && EnvelopeBuilder.Wants(name) && Afford(value, ref textLeft)) builder.Field(name, value);
    }

    /// <summary>The first field of a name counts.</summary>
    void Content(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ref int textLeft)
    {
        switch (name.Length)
        {
            case 10 when _id is null && FieldLines.Is(name, "content-id"u8):
                if (Afford(value, ref textLeft)) _id = ContentFields.Text(value);
                break;
            case 11 when _md5 is null && FieldLines.Is(name, "content-md5"u8):
                if (Afford(value, ref textLeft)) _md5 = ContentFields.Text(value);
                break;
            case 12 when Type is null && FieldLines.Is(name, "content-type"u8):
                // Without its boundary a multipart past the limit is one opaque thing.
                if (!Afford(value, ref textLeft)) MakeOpaque();
                else if (ContentFields.TryContentType(value, out var type, out var subtype, out _parameters)) (Type, Subtype) = (type, subtype);
                else MakePlainText(); // RFC 2045 §5.2
                break;
            case 16 when _languages is null && FieldLines.Is(name, "content-language"u8):
                if (Afford(value, ref textLeft)) _languages = ContentFields.Languages(value);
                break;
            case 16 when _location is null && FieldLines.Is(name, "content-location"u8):
                if (Afford(value, ref textLeft)) _location = ContentFields.Location(value);
                break;
            case 19 when _disposition is null && FieldLines.Is(name, "content-disposition"u8):
                if (Afford(value, ref textLeft) && ContentFields.TryDisposition(value, out var disposition, out _dispositionParameters)) _disposition = disposition;
                break;
            case 19 when _description is null && FieldLines.Is(name, "content-description"u8):
                if (Afford(value, ref textLeft)) _description = ContentFields.Text(value);
                break;
            case 25 when _encoding is null && FieldLines.Is(name, "content-transfer-encoding"u8):
                _encoding = ContentFields.Encoding(value);
                break;
        }
    }

    /// <summary>True when the text of a field can still be kept; counts it.</summary>
    static bool Afford(ReadOnlySpan<byte> value, ref int textLeft)
    {
        if (value.Length > textLeft) return false;
        textLeft -= value.Length;
        return true;
    }

    /// <summary>No more fields. Where none has told the type it is the one that <paramref name="inDigest"/> means (RFC 2046 §5.1.5).</summary>
    internal void EndHeader(bool inDigest)
    {
        _envelope = _builder?.Build();
        _builder = null;
        if (Type is not null) return;
        if (inDigest) (Type, Subtype) = ("message", "rfc822");
        else MakePlainText();
    }

    void MakePlainText()
    {
        (Type, Subtype) = ("text", "plain");
        (_parameters ??= new List<KeyValuePair<string, string>>(1)).Add(UsAscii);
    }

    /// <summary>Nothing inside it is looked at.</summary>
    internal void MakeOpaque()
    {
        (Type, Subtype) = ("application", "octet-stream");
        _parameters = null;
    }

    internal void Add(Part child) => (_parts ??= new List<Part>(Type == "message" ? 1 : 4)).Add(child);

    /// <summary>The part, complete.</summary>
    internal readonly Part Close(long end, long lines) => new()
    {
        HeaderStart = HeaderStart,
        BodyStart = BodyStart,
        End = end,
        Lines = lines,
        Type = Type!,
        Subtype = Subtype!,
        Encoding = _encoding ?? "7bit",
        Parameters = (IReadOnlyList<KeyValuePair<string, string>>?)_parameters ?? [],
        Id = _id,
        Description = _description,
        Md5 = _md5,
        Disposition = _disposition,
        DispositionParameters = (IReadOnlyList<KeyValuePair<string, string>>?)_dispositionParameters ?? [],
        Languages = (IReadOnlyList<string>?)_languages ?? [],
        Location = _location,
        Envelope = _envelope,
        References = References?.Text,
        Parts = (IReadOnlyList<Part>?)_parts ?? [],
    };
}
