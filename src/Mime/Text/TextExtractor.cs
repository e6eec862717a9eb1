using System.Buffers;
using System.Text;
using Posthorn.Mime.Encodings;
using Posthorn.Mime.Headers;
using Posthorn.Mime.Structure;

namespace Posthorn.Mime.Text;

/// <summary>
/// The text of a part for search and previews: transfer encoding and charset taken off, HTML without its marks, calendars and
/// cards without their syntax. Bounded in memory: what is beyond the limit is not there. One object serves one part.
/// </summary>
public sealed class TextExtractor
{
    /// <summary>Most octets of a decoded part that are looked at, unless less is asked for.</summary>
    public const int MaxOctets = 4 << 20;

    readonly Part _part;
    readonly int _most;
    readonly TransferDecoder? _decoder;
    readonly ArrayBufferWriter<byte> _octets = new(4096);

    /// <param name="part">A part for which <see cref="IsText"/>.</param>
    /// <param name="most">Most decoded octets to take.</param>
    public TextExtractor(Part part, int most = MaxOctets)
    {
        (_part, _most) = (part, most);
        _decoder = TransferDecoder.For(part.Encoding);
    }

    /// <summary>True for parts that hold text: all of text/*, and what is text under another name.</summary>
    public static bool IsText(Part part) => part.Type == "text" || part.Type == "application" && part.Subtype is "ics" or "xhtml+xml";

    /// <summary>True when more octets would change nothing.</summary>
    public bool Full => _octets.WrittenCount >= _most || _decoder is null;

    /// <summary>Takes the next octets of the part's body, still encoded.</summary>
    public void Write(ReadOnlySpan<byte> body)
    {
        // In pieces, so that one large piece does not go past the limit by more than that.
        while (body.Length > 0 && !Full)
        {
            var piece = body[..Math.Min(body.Length, 16 << 10)];
            _decoder!.Decode(piece, _octets);
            body = body[piece.Length..];
        }
    }

    /// <summary>The text of all that was written.</summary>
    public string Finish()
    {
        if (!Full) _decoder!.End(_octets);
        var octets = _octets.WrittenSpan[..Math.Min(_octets.WrittenCount, _most)];
        var text = Decode(octets);
        return _part.Subtype switch
        {
            "html" or "xhtml+xml" => HtmlText.Strip(text),
            "calendar" or "vcard" or "x-vcard" or "directory" or "ics" or "x-vcalendar" => ContentLines.Values(text),
            _ => text,
        };
    }

    string Decode(ReadOnlySpan<byte> octets)
    {
        var charset = ContinuedParameters.Text(_part.Parameters, "charset");
        // Many senders say us-ascii, or nothing, and send UTF-8.
        if (charset is not null && !charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase) && Charsets.Find(charset) is { } encoding)
            return encoding.GetString(octets);
        if (_part.Subtype is "html" or "xhtml+xml" && HtmlText.Charset(octets) is { } meta) return meta.GetString(octets);
        return Charsets.Guess(octets);
    }
}
