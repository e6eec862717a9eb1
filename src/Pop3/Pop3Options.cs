using System.Net.Security;

namespace Posthorn.Pop3;

/// <summary>What all POP3 listeners share: names, limits and deadlines.</summary>
public sealed record Pop3Options
{
    /// <summary>The host name in the greeting.</summary>
    public required string Hostname { get; init; }

    /// <summary>From the connection to a login, in all.</summary>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The autologout timer: how long a session may be silent (RFC 1939 §3: at least 10 minutes).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a TLS handshake may take.</summary>
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Failed logins after which the connection is closed.</summary>
    public int MaxFailedLogins { get; init; } = 5;

    /// <summary>Unknown or malformed commands before login after which the connection is closed.</summary>
    public int MaxUnknownBeforeLogin { get; init; } = 3;

    /// <summary>Unknown or malformed commands in a whole session after which the connection is closed.</summary>
    public int MaxBadCommands { get; init; } = 20;

    /// <summary>Message rows that are fetched ahead when a client walks through its maildrop.</summary>
    public int RowsAhead { get; init; } = 64;
}

/// <summary>What one listener decides.</summary>
/// <param name="Tls">The TLS options for STLS at this moment; null, or returning null, means that STLS is not offered.</param>
/// <param name="PlaintextLogin">Clients on loopback may log in without TLS.</param>
public sealed record Pop3ListenerSettings(Func<SslServerAuthenticationOptions?>? Tls, bool PlaintextLogin);
