using System.Net;
using System.Net.Security;

namespace Posthorn.Smtp.Server;

/// <summary>What an SMTP server may take, and for how long. One object serves all listeners.</summary>
public sealed record SmtpServerOptions
{
    /// <summary>Our name in greetings and in <c>&lt;Postmaster&gt;</c> without a domain.</summary>
    public required string Hostname { get; init; }

    /// <summary>Largest message in octets, as SIZE announces it (RFC 1870). Default 50 MiB.</summary>
    public long MaxMessageSize { get; init; } = 50L << 20;

    /// <summary>Most recipients of one message (RFC 5321 §4.5.3.1.8 asks for 100 at least). Default 1000.</summary>
    public int MaxRecipients { get; init; } = 1000;

    /// <summary>Longest command line in octets, CRLF included (RFC 5321 §4.5.3.1.4 and its extensions). Default 2048.</summary>
    public int MaxCommandLine { get; init; } = 2048;

    /// <summary>Most transactions of one session of a stranger. Default 1000.</summary>
    public int MaxTransactions { get; init; } = 1000;

    /// <summary>Most BDAT chunks of one message. Default 10,000.</summary>
    public int MaxChunks { get; init; } = 10_000;

    /// <summary>Refused commands since the last accepted message after which the session ends. Default 20.</summary>
    public int MaxErrors { get; init; } = 20;

    /// <summary>Refused commands since the last accepted message after which every further one is answered late. Default 10.</summary>
    public int SoftErrors { get; init; } = 10;

    /// <summary>Commands that do nothing (NOOP, RSET, VRFY, HELP …) since the last accepted message. Default 100.</summary>
    public int MaxJunkCommands { get; init; } = 100;

    /// <summary>Unknown commands of a client that has not logged in. The one that reaches it ends the session. Default 3.</summary>
    public int MaxUnknownCommands { get; init; } = 3;

    /// <summary>Unknown recipients that a stranger may try in one session. Default 10.</summary>
    public int MaxUnknownRecipients { get; init; } = 10;

    /// <summary>Failed logins in one session. The one that reaches it ends the session. Default 5.</summary>
    public int MaxFailedLogins { get; init; } = 5;

    /// <summary>
    /// How much longer each answer to an unknown recipient takes than the one before, up to five times this; also the delay
    /// past <see cref="SoftErrors"/>. Default 1 s.
    /// </summary>
    public TimeSpan PenaltyStep { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From our greeting to a good HELO, EHLO or LHLO. Default 60 s.</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For each command, whole (RFC 5321 §4.5.3.2.7). Default 300 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>For each command of a stranger while the server is nearly full. Default 10 s.</summary>
    public TimeSpan StressTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>True while so many clients are connected that silent ones must make room.</summary>
    public Func<bool> UnderStress { get; init; } = static () => false;

    /// <summary>How long a transfer may last before <see cref="MinDataRate"/> is asked of it. Default 60 s.</summary>
    public TimeSpan DataGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Octets a second of DATA and BDAT after the grace. Default 500.</summary>
    public int MinDataRate { get; init; } = 500;

    /// <summary>The whole session of a client that is neither trusted nor logged in. Default 30 min.</summary>
    public TimeSpan StrangerTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The TLS handshake. Default 15 s.</summary>
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>What differs from listener to listener.</summary>
public sealed record SmtpListenerSettings
{
    /// <summary>Relay, submission or LMTP.</summary>
    public required SmtpService Service { get; init; }

    /// <summary>The certificate choice of now; null result or null function: no STARTTLS.</summary>
    public Func<SslServerAuthenticationOptions?>? Tls { get; init; }

    /// <summary>True to offer logins without TLS to clients on loopback.</summary>
    public bool PlaintextLogin { get; init; }

    /// <summary>Whether an address is in <c>relay.trustedNetworks</c>.</summary>
    public Func<IPAddress, bool> Trusted { get; init; } = static _ => false;

    /// <summary>Of the socket for local mail: the user whose program connected. Such a client may send to anywhere.</summary>
    public LocalUser? LocalUser { get; init; }

    /// <summary>True when trusted hosts may use XCLIENT here.</summary>
    public bool XClient { get; init; }
}
