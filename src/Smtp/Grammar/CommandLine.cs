using System.Text;

namespace Posthorn.Smtp.Grammar;

/// <summary>A command line split at its first space (RFC 5321 §4.1.1).</summary>
static class CommandLine
{
    /// <summary>The length of the verb; the argument begins after the space, if there is one.</summary>
    internal static int VerbLength(ReadOnlySpan<byte> line)
    {
        var space = line.IndexOf((byte)' ');
        return space < 0 ? line.Length : space;
    }

    /// <summary>
    /// True when a browser speaks instead of a mail client: cross-protocol attacks end at the first line (ALPACA,
    /// CVE-2021-3618).
    /// </summary>
    internal static bool IsHttp(ReadOnlySpan<byte> verb) => verb.Length switch
    {
        3 => Is(verb, "GET"u8) || Is(verb, "PUT"u8) || Is(verb, "PRI"u8),
        4 => Is(verb, "POST"u8) || Is(verb, "HEAD"u8),
        5 => Is(verb, "PATCH"u8) || Is(verb, "TRACE"u8),
        6 => Is(verb, "DELETE"u8),
        7 => Is(verb, "CONNECT"u8) || Is(verb, "OPTIONS"u8),
        _ => false,
    };

    /// <summary>True for the first octets of a TLS handshake record: the client meant another port (RFC 8446 §5.1).</summary>
    internal static bool IsTlsHello(ReadOnlySpan<byte> octets) => octets.Length >= 2 && octets[0] == 0x16 && octets[1] == 0x03;

    static bool Is(ReadOnlySpan<byte> verb, ReadOnlySpan<byte> upper) => Ascii.EqualsIgnoreCase(verb, upper);
}
