using System.Globalization;
using Posthorn.Smtp.Server;

namespace Posthorn.Smtp.Client;

/// <summary>What the reply to EHLO or LHLO offers (RFC 5321 §4.1.1.1). Keywords are found in any case; what is no keyword we know is passed over.</summary>
static class PeerOffer
{
    internal static SmtpPeer Read(SmtpReply hello, bool extended, string greeting, string? tls)
    {
        var peer = new SmtpPeer(extended, false, false, false, false, false, false, false, null, [], greeting, tls, LoginBy: null);
        if (!extended) return peer;
        var mechanisms = new List<string>();
        foreach (var line in hello.Lines.Skip(1)) peer = With(peer, line, mechanisms);
        return peer with { AuthMechanisms = mechanisms };
    }

    static SmtpPeer With(SmtpPeer peer, string line, List<string> mechanisms)
    {
        // "AUTH=LOGIN PLAIN" is how servers said it before RFC 2554.
        var words = line.Split([' ', '='], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return peer;
        switch (words[0].ToUpperInvariant())
        {
            case "PIPELINING": return peer with { Pipelining = true };
            case "8BITMIME": return peer with { EightBitMime = true };
            case "CHUNKING": return peer with { Chunking = true };
            case "BINARYMIME": return peer with { BinaryMime = true };
            case "SMTPUTF8": return peer with { SmtpUtf8 = true };
            case "DSN": return peer with { Dsn = true };
            case "STARTTLS": return peer with { StartTls = true };
            case "SIZE": return peer with { Size = SizeOf(words) };
            case "AUTH":
                foreach (var mechanism in words.AsSpan(1))
                    if (!mechanisms.Contains(mechanism, StringComparer.OrdinalIgnoreCase)) mechanisms.Add(mechanism.ToUpperInvariant());
                return peer;
            default: return peer;
        }
    }

    // RFC 1870 §4: zero, or no number, says that there is no fixed limit.
    static long? SizeOf(string[] words) =>
        words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size > 0 ? size : null;
}
