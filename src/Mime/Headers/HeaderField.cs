namespace Posthorn.Mime.Headers;

/// <summary>Walks a header field by field, with the same idea of a field as <see cref="HeaderSummary"/>.</summary>
public static class HeaderField
{
    /// <summary>
    /// The field at the start of <paramref name="rest"/>: its octets with line ends, and its name without the white space
    /// before the colon (empty when there is no colon). False at the empty line, which ends the header.
    /// </summary>
    public static bool Next(ReadOnlySpan<byte> rest, out int length, out ReadOnlySpan<byte> name)
    {
        name = default;
        length = 0;
        if (rest.Length == 0 || FieldLines.EmptyLine(rest) > 0) return false;
        length = FieldLines.FieldLength(rest, out _);
        FieldLines.TrySplit(rest[..length], out name, out _);
        return true;
    }
}
