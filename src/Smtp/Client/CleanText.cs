using System.Buffers;
using System.Text;

namespace Posthorn.Smtp.Client;

/// <summary>Words of a peer made fit for logs, notices and our own replies: one line, no control character, valid UTF-8.</summary>
static class CleanText
{
    static readonly SearchValues<byte> Printable = SearchValues.Create(Enumerable.Range(32, 95).Select(c => (byte)c).ToArray());

    /// <summary>Invalid UTF-8 becomes U+FFFD, a tab a space, any other control character "?"; spaces at the end are dropped.</summary>
    internal static string Of(ReadOnlySpan<byte> octets)
    {
        octets = octets.TrimEnd((byte)' ');
        return octets.IndexOfAnyExcept(Printable) < 0 ? Encoding.ASCII.GetString(octets) : Of(Encoding.UTF8.GetString(octets));
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    internal static string Of(string text) => string.Create(text.Length, text, static (clean, dirty) =>
    {
        for (var i = 0; i < dirty.Length; i++)
            clean[i] = dirty[i] is '\t' ? ' ' : char.IsControl(dirty[i]) || dirty[i] is '\u2028' or '\u2029' ? '?' : dirty[i];
    }).TrimEnd(' ');
}
