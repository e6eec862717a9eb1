namespace Posthorn.Wire.Lines;

/// <summary>
/// Watches message text on its way out: a bare CR, a bare LF or a NUL must never get onto a wire, where another server
/// could take it for an end of data (SMTP smuggling, VU#302671).
/// </summary>
public struct LineCheck()
{
    byte _last = (byte)'\n'; // the last octet so far; a text begins at the start of a line

    /// <summary>
    /// Looks at the next piece of the text. False when it, together with what came before, holds what must not be sent;
    /// nothing of the piece may be sent then.
    /// </summary>
    public bool Take(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return true;
        if (IsBad(_last, text[0])) return false;
        for (var i = 1; (i = LineScan.NextIrregular(text, i)) < text.Length; i++)
            if (IsBad(text[i - 1], text[i])) return false;
        _last = text[^1];
        return true;
    }

    /// <summary>True when the text so far does not stop between a CR and its LF.</summary>
    public readonly bool MayEnd => _last != '\r';

    static bool IsBad(byte before, byte here) => here == 0 || here == '\n' != (before == '\r');
}
