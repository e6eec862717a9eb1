namespace Posthorn.Wire.Lines;

/// <summary>
/// Takes message text off the wire: the DATA block up to its dot (RFC 5321 §4.5.2), or text sent in chunks, which has no
/// dots (RFC 3030). Works on whatever has arrived, keeps its place between calls, and hands the text on in slices of the
/// input.
/// </summary>
/// <remarks>
/// End of data is exactly CRLF.CRLF. A bare CR, a bare LF or a NUL never ends data and never starts a dot line; it makes
/// the text <see cref="Malformed"/> and the reader goes on to the true end (SMTP smuggling, CVE-2023-51764 and its kin).
/// </remarks>
public sealed class DotReader
{
    static readonly byte[] CrLf = "\r\n"u8.ToArray();

    enum Place { LineStart, Text, Cr, Dot, DotCr }

    Place _place;
    bool _dotted, _repair;

    /// <summary>True once the text held a bare CR, a bare LF that was not repaired, or a NUL. No more text is handed on then.</summary>
    public bool Malformed { get; private set; }

    /// <summary>True when the text so far stops in the middle of a line ending: as the last octet of chunked text a CR is bare.</summary>
    public bool EndsInCr => _place == Place.Cr;

    /// <summary>Starts a new text.</summary>
    /// <param name="dotted">True for DATA (dot-stuffed, ends at the dot), false for chunks.</param>
    /// <param name="repairBareLf">True to turn a bare LF into CRLF instead of refusing the text (authenticated submission).</param>
    public void Begin(bool dotted, bool repairBareLf)
    {
        (_dotted, _repair) = (dotted, repairBareLf);
        _place = Place.LineStart; // the CRLF of the DATA line itself counts: ".CRLF" at once is an empty message
        Malformed = false;
    }

    /// <summary>
    /// Takes octets off the front of <paramref name="input"/>. Call again with the rest while it returns false and
    /// <paramref name="consumed"/> is less than the input.
    /// </summary>
    /// <param name="input">What has arrived and was not consumed yet.</param>
    /// <param name="consumed">How many octets of it are done with.</param>
    /// <param name="text">Message text, unstuffed; valid as long as the input; may be empty.</param>
    /// <returns>True when the end of data was reached; the rest of the input is not part of the message.</returns>
    public bool Read(ReadOnlyMemory<byte> input, out int consumed, out ReadOnlyMemory<byte> text)
    {
        var s = input.Span;
        int start = 0, i = 0;
        text = default;
        while (i < s.Length)
        {
            if (i > 0 && _place < Place.Dot)
            {
                var next = LineScan.NextIrregular(s, i);
                if (next > i)
                {
                    _place = s[next - 1] switch { (byte)'\r' => Place.Cr, (byte)'\n' => Place.LineStart, _ => Place.Text };
                    i = next;
                    if (i == s.Length) break;
                }
            }
            var c = s[i];
            switch (_place)
            {
                case Place.LineStart when c == '.' && _dotted:
                    // RFC 5321 §4.5.2: the first dot of a line is not text; what came before it is one slice.
                    text = Slice(input, start, i);
                    _place = Place.Dot;
                    i++;
                    if (text.Length > 0) { consumed = i; return false; }
                    start = i;
                    continue;
                case Place.Dot when c == '\r':
                    _place = Place.DotCr;
                    start = ++i;
                    continue;
                case Place.DotCr when c == '\n':
                    consumed = i + 1;
                    return true;
                case Place.DotCr:
                case Place.Cr when c != '\n':
                    Malformed = true; // bare CR
                    break;
                case Place.Cr:
                    _place = Place.LineStart;
                    i++;
                    continue;
            }
            if (c == '\n')
            {
                if (_repair && !Malformed)
                {
                    if (i > start) { consumed = i; text = Slice(input, start, i); _place = Place.Text; return false; }
                    consumed = i + 1;
                    text = CrLf;
                    _place = Place.Text; // not a line start: nothing after a bare LF is a dot line
                    return false;
                }
                Malformed = true;
            }
            else if (c == 0) Malformed = true;
            _place = c == '\r' ? Place.Cr : Place.Text;
            i++;
        }
        consumed = i;
        text = Slice(input, start, i);
        return false;
    }

    ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> input, int start, int end) => Malformed ? default : input[start..end];
}
