namespace Posthorn.Smtp.Grammar;

/// <summary><c>bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF</c> (RFC 3030 §2).</summary>
static class ChunkArguments
{
    /// <summary>False when the size cannot be known: the stream has lost its place then.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> text, out long size, out bool last)
    {
        var r = new ArgumentReader(text);
        var digits = r.Token();
        var marker = r.Token();
        r.SkipSpaces();
        size = 0;
        last = marker.Length > 0;
        if (digits.Length is 0 or > 18 || !r.AtEnd || last && !MailArguments.Is(marker, "LAST"u8)) return false;
        foreach (var c in digits)
        {
            if (c is < (byte)'0' or > (byte)'9') return false;
            size = size * 10 + (c - '0');
        }
        return true;
    }
}
