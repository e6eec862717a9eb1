using System.Numerics;
using System.Runtime.InteropServices;

namespace Posthorn.Wire.Lines;

/// <summary>
/// Finds what is not plain text among CRLF lines, whole vectors at a time: a well-formed message costs no work per line.
/// </summary>
static class LineScan
{
    /// <summary>
    /// The first index at or after <paramref name="from"/> that needs a look, or the length: a NUL, a CR or LF that is not
    /// half of a CRLF (seen at its second octet), or a dot after an LF. <paramref name="from"/> is at least 1, since each
    /// octet is judged together with the one before it.
    /// </summary>
    internal static int NextIrregular(ReadOnlySpan<byte> text, int from)
    {
        var i = from;
        if (Vector.IsHardwareAccelerated)
        {
            var cr = new Vector<byte>((byte)'\r');
            var lf = new Vector<byte>((byte)'\n');
            var dot = new Vector<byte>((byte)'.');
            ref var first = ref MemoryMarshal.GetReference(text);
            for (; i <= text.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            {
                var here = Vector.LoadUnsafe(ref first, (nuint)i);
                var before = Vector.LoadUnsafe(ref first, (nuint)(i - 1));
                var odd = (Vector.Equals(here, lf) ^ Vector.Equals(before, cr))
                          | Vector.Equals(here, Vector<byte>.Zero)
                          | (Vector.Equals(here, dot) & Vector.Equals(before, lf));
                if (odd != Vector<byte>.Zero) break;
            }
        }
        for (; i < text.Length; i++)
            if (IsIrregular(text[i - 1], text[i])) return i;
        return i;
    }

    static bool IsIrregular(byte before, byte here) =>
        here == '\n' != (before == '\r') || here == 0 || here == '.' && before == '\n';
}
