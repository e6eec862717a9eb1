using System.Net;

namespace Posthorn.Accounts.Routes;

/// <summary>Which settings fit a transport. Each refusal is an <see cref="AccountRefusal"/> ("bad-input").</summary>
static class RouteRules
{
    /// <summary>The settings that hold: those given, and TLS where a login would otherwise be shown to everybody on the way.</summary>
    public static RouteSettings Complete(Transport transport, RouteSettings settings)
    {
        var smtp = transport.Kind == TransportKind.Smtp;
        if (settings.Login is not null && !smtp) throw Refused($"\"{transport}\" takes no login: that is for smtp and smtps");
        if (settings.Tls is not null && !smtp && transport.Kind != TransportKind.Mx) throw Refused($"\"{transport}\" knows no TLS: that is for mx, smtp and smtps");
        if (transport.ImplicitTls && settings.Tls is TlsPolicy.None or TlsPolicy.Opportunistic)
            throw Refused("smtps is TLS from the start: it is required, or verified");
        if (settings.Login is null || transport.ImplicitTls || IsHere(transport.Host!)) return settings;
        return settings.Tls switch
        {
            null => settings with { Tls = TlsPolicy.Required },
            TlsPolicy.Required or TlsPolicy.Verified => settings,
            _ => throw Refused("a login needs tls required or verified: without, its secret could be read or asked for by anybody on the way"),
        };
    }

    static bool IsHere(string host) => host == "localhost" || IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address);

    static AccountRefusal Refused(string why) => new("bad-input", why);
}
