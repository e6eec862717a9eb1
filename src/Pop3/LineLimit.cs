namespace Posthorn.Pop3;

/// <summary>
/// Cuts a message after its header, the empty line and so many lines of the body (TOP, RFC 1939 §7). Fed piece by piece.
/// </summary>
struct LineLimit(long bodyLines)
{
    long _left = bodyLines;
    bool _inBody;
    int _lineLength; // octets of the header line so far, CR excluded; tells the empty line

    /// <summary>How many octets of the next piece belong to the answer; fewer than all means that the answer is complete.</summary>
    internal int Take(ReadOnlySpan<byte> piece)
    {
        if (_left == long.MaxValue) return piece.Length;
        var at = 0;
        while (at < piece.Length)
        {
            if (_inBody && _left == 0) return at;
            var lf = piece[at..].IndexOf((byte)'\n');
            var end = lf < 0 ? piece.Length : at + lf;
            if (!_inBody)
            {
                _lineLength += end - at - (end > at && piece[end - 1] == '\r' ? 1 : 0);
                if (lf >= 0)
                {
                    _inBody = _lineLength == 0;
                    _lineLength = 0;
                }
            }
            else if (lf >= 0) _left--;
            at = lf < 0 ? end : end + 1;
        }
        return at;
    }
}
