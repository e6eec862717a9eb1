using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts.Routes;

/// <summary>The ways a message can leave.</summary>
public enum TransportKind
{
    /// <summary>To the hosts that the DNS names for the recipient's domain.</summary>
    Mx,

    /// <summary>To one host: a smart host.</summary>
    Smtp,

    /// <summary>To a local delivery agent (RFC 2033).</summary>
    Lmtp,

    /// <summary>Appended to an mbox file.</summary>
    Mbox,

    /// <summary>Into a Maildir.</summary>
    Maildir,

    /// <summary>Nowhere; it counts as delivered.</summary>
    Discard,

    /// <summary>It waits until somebody releases it.</summary>
    Hold,
}

/// <summary>
/// A way out as it is written: <c>mx</c>, <c>smtp:host[:port]</c>, <c>smtps:host[:port]</c> (TLS from the start),
/// <c>lmtp:host:port</c>, <c>lmtp:unix:/path</c>, <c>mbox:/path/{user}</c>, <c>maildir:/path/{user}</c>, <c>discard</c>,
/// <c>hold</c>. An IPv6 host stands in brackets. In a path <c>{user}</c> and <c>{domain}</c> stand for those of the recipient.
/// </summary>
/// <param name="Host">Of smtp and lmtp over TCP: a name, or an address without brackets.</param>
/// <param name="Port">With a host never 0: 25 for smtp, 465 for smtps (RFC 8314 §7.3) where none was written.</param>
/// <param name="ImplicitTls">Written smtps.</param>
/// <param name="Path">Of lmtp over a Unix socket, mbox and maildir; absolute.</param>
public sealed record Transport(TransportKind Kind, string? Host = null, int Port = 0, bool ImplicitTls = false, string? Path = null)
{
    const string Forms = "write mx, smtp:host:port, smtps:host:port, lmtp:host:port, lmtp:unix:/path, mbox:/path/{user}, maildir:/path/{user}, discard or hold";

    /// <summary>The longest path of a Unix socket (sun_path, with its NUL).</summary>
    const int MaxSocketPath = 107;

    /// <summary>The one text of this transport; <see cref="TryParse"/> reads it back.</summary>
    public override string ToString() => Kind switch
    {
        TransportKind.Mx => "mx",
        TransportKind.Smtp => (ImplicitTls ? "smtps:" : "smtp:") + HostAndPort,
        TransportKind.Lmtp when Path is not null => "lmtp:unix:" + Path,
        TransportKind.Lmtp => "lmtp:" + HostAndPort,
        TransportKind.Mbox => "mbox:" + Path,
        TransportKind.Maildir => "maildir:" + Path,
        TransportKind.Discard => "discard",
        _ => "hold",
    };

    string HostAndPort => string.Create(CultureInfo.InvariantCulture, $"{(Host!.Contains(':') ? $"[{Host}]" : Host)}:{Port}");

    /// <summary>Reads a transport; throws <see cref="AccountRefusal"/> ("bad-input") when it is none.</summary>
    public static Transport Parse(string text) => TryParse(text, out var transport, out var why) ? transport : throw new AccountRefusal("bad-input", why);

    /// <summary>Reads a transport; when it is none, <paramref name="why"/> says so in words.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Transport? transport, [NotNullWhen(false)] out string? why)
    {
        transport = null;
        text = text.Trim();
        why = text.Any(char.IsControl) ? "a transport cannot hold control characters" : null;
        if (why is not null) return false;
        var colon = text.IndexOf(':');
        var kind = colon < 0 ? text : text[..colon];
        var rest = colon < 0 ? null : text[(colon + 1)..];
        transport = kind.ToLowerInvariant() switch
        {
            "mx" or "discard" or "hold" when rest is not null => Bad($"\"{text}\": nothing follows \"{kind}\"", out why),
            "mx" => new(TransportKind.Mx),
            "discard" => new(TransportKind.Discard),
            "hold" => new(TransportKind.Hold),
            "smtp" => OfHost(TransportKind.Smtp, text, rest, 25, out why),
            "smtps" => OfHost(TransportKind.Smtp, text, rest, 465, out why) is { } smtps ? smtps with { ImplicitTls = true } : null,
            "lmtp" when rest?.StartsWith("unix:", StringComparison.OrdinalIgnoreCase) == true => OfPath(TransportKind.Lmtp, text, rest[5..], out why),
            "lmtp" => OfHost(TransportKind.Lmtp, text, rest, null, out why),
            "mbox" => OfPath(TransportKind.Mbox, text, rest, out why),
            "maildir" => OfPath(TransportKind.Maildir, text, rest, out why),
            _ => Bad($"\"{text}\" is no transport: {Forms}", out why),
        };
        return transport is not null;
    }

    static Transport? Bad(string reason, out string why)
    {
        why = reason;
        return null;
    }

    static Transport? OfHost(TransportKind kind, string text, string? rest, int? defaultPort, out string? why)
    {
        why = null;
        if (string.IsNullOrEmpty(rest)) return Bad($"\"{text}\": a host is missing, as in {text.TrimEnd(':')}:host.example:{defaultPort ?? 24}", out why);
        string host;
        string? port;
        if (rest[0] == '[')
        {
            var close = rest.IndexOf(']');
            if (close < 0 || close + 1 < rest.Length && rest[close + 1] != ':') return Bad($"\"{text}\": an IPv6 address is written as [address] or [address]:port", out why);
            host = rest[1..close];
            port = close + 1 < rest.Length ? rest[(close + 2)..] : null;
            if (!IPAddress.TryParse(host, out var v6) || v6.AddressFamily != AddressFamily.InterNetworkV6 || host.Contains('%'))
                return Bad($"\"{text}\": \"{host}\" is no IPv6 address, and brackets are for those", out why);
            host = v6.ToString();
        }
        else
        {
            var colon = rest.IndexOf(':');
            host = colon < 0 ? rest : rest[..colon];
            port = colon < 0 ? null : rest[(colon + 1)..];
            if (port is not null && port.Contains(':')) return Bad($"\"{text}\": an IPv6 address stands in brackets", out why);
            if (EmailAddress.NormalizeDomain(host) is not { } name) return Bad($"\"{text}\": \"{host}\" is no host name", out why);
            host = name;
        }
        if (port is null && defaultPort is null) return Bad($"\"{text}\": LMTP has no port of its own: write lmtp:{rest}:port", out why);
        var number = defaultPort ?? 0;
        if (port is not null && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is < 1 or > 65535))
            return Bad($"\"{text}\": \"{port}\" is no port; it is a number from 1 to 65535", out why);
        // RFC 2033 (introduction): it must not be used on TCP port 25.
        if (kind == TransportKind.Lmtp && number == 25) return Bad($"\"{text}\": LMTP must not be spoken to port 25 (RFC 2033)", out why);
        return new(kind, host, number);
    }

    static Transport? OfPath(TransportKind kind, string text, string? path, out string? why)
    {
        why = null;
        if (string.IsNullOrEmpty(path)) return Bad($"\"{text}\": a path is missing", out why);
        if (path[0] != '/') return Bad($"\"{text}\": the path must begin with \"/\": this program has no directory of its own to start from", out why);
        if (path.Split('/').Any(static part => part is "." or "..")) return Bad($"\"{text}\": \".\" and \"..\" have no place in the path", out why);
        var plain = path.Replace("{user}", "", StringComparison.Ordinal).Replace("{domain}", "", StringComparison.Ordinal);
        if (plain.AsSpan().IndexOfAny('{', '}') >= 0) return Bad($"\"{text}\": braces are for {{user}} and {{domain}}, and there are no others", out why);
        if (kind == TransportKind.Lmtp && plain.Length != path.Length) return Bad($"\"{text}\": the path of a socket is the same for every recipient", out why);
        if (kind == TransportKind.Lmtp && System.Text.Encoding.UTF8.GetByteCount(path) > MaxSocketPath) return Bad($"\"{text}\": the path of a socket has at most {MaxSocketPath} octets", out why);
        if (kind == TransportKind.Mbox && path[^1] == '/') return Bad($"\"{text}\": an mbox is a file, not a directory", out why);
        return new(kind, Path: path);
    }
}
