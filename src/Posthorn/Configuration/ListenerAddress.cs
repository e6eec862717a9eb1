using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Posthorn.Configuration;

/// <summary>An address to listen on: exactly one of the two is set.</summary>
sealed record ListenerAddress(IPEndPoint? EndPoint, string? UnixPath)
{
    /// <summary>Reads "ip:port", "[v6]:port" or "unix:path"; <paramref name="why"/> says what is wrong.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenerAddress? address, out string why)
    {
        address = null;
        why = "must be \"address:port\", \"[IPv6 address]:port\" or \"unix:path\"";
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = text[5..];
            if (path.Length == 0 || path.Contains('\0')) return false;
            address = new(null, path);
            return true;
        }
        if (ServerAddress.Split(text, out var ip, out var port) && port is { } p)
        {
            if (p == 0)
            {
                why = "must name a port from 1 to 65535";
                return false;
            }
            address = new(new IPEndPoint(ip, p), null);
            return true;
        }
        return false;
    }

    public override string ToString() => UnixPath is { } path ? "unix:" + path : EndPoint?.ToString() ?? "";
}

/// <summary>A server to ask, with a port that may be left out.</summary>
sealed record ServerAddress(IPEndPoint EndPoint)
{
    public static bool TryParse(string text, int defaultPort, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        if (!Split(text, out var ip, out var port) || port == 0) return false;
        address = new(new IPEndPoint(ip, port ?? defaultPort));
        return true;
    }

    internal static bool Split(string text, [NotNullWhen(true)] out IPAddress? ip, out int? port)
    {
        port = null;
        ip = null;
        var host = text;
        var colon = text.LastIndexOf(':');
        var bracketed = text.StartsWith('[');
        if (colon >= 0 && (bracketed ? colon > 0 && text[colon - 1] == ']' : text.IndexOf(':') == colon))
        {
            host = text[..colon];
            if (!ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out var number)) return false;
            port = number;
        }
        if (bracketed)
        {
            if (!host.EndsWith(']')) return false;
            host = host[1..^1];
        }
        if (!IPAddress.TryParse(host, out ip)) return false;
        // "127.1" and "0x7f000001" are addresses to the C library and surprises to people.
        return ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? bracketed || port is null
            : !bracketed && ip.ToString() == host;
    }

    public override string ToString() => EndPoint.ToString();
}
