using System.Net.Security;

namespace Posthorn.Imap;

/// <summary>What all IMAP listeners share: names, limits and deadlines.</summary>
public sealed record ImapOptions
{
    /// <summary>The host name in the greeting.</summary>
    public required string Hostname { get; init; }

    /// <summary>From the connection to a login, in all.</summary>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The autologout timer: how long a session may be silent, in IDLE too (RFC 9051 §5.4: at least 30 minutes).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long nothing of a message may come that is being appended.</summary>
    public TimeSpan UploadTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a TLS handshake may take.</summary>
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Failed logins after which the connection is closed.</summary>
    public int MaxFailedLogins { get; init; } = 5;

    /// <summary>Unknown or malformed commands before login after which the connection is closed.</summary>
    public int MaxUnknownBeforeLogin { get; init; } = 3;

    /// <summary>Unknown or malformed commands in a whole session after which the connection is closed.</summary>
    public int MaxBadCommands { get; init; } = 50;

    /// <summary>Octets of a message that may be appended (RFC 7889).</summary>
    public long MaxMessageSize { get; init; } = 50 << 20;

    /// <summary>Messages that one command may work on (RFC 9738); 0 for any number.</summary>
    public int MessageLimit { get; init; }

    /// <summary>Messages that one COPY or APPEND may make, where there is no <see cref="MessageLimit"/> (RFC 9738); 0 for any number.</summary>
    public int SaveLimit { get; init; }

    /// <summary>The domain of names without one in URLs, as in logins; null for none.</summary>
    public string? DefaultDomain { get; init; }

    /// <summary>Main addresses of accounts that submission servers log in with: they may fetch what was signed for "submit+" (RFC 4467 §3).</summary>
    public IReadOnlyList<string> SubmissionAccounts { get; init; } = [];

    /// <summary>How long a mailbox stays in memory that nobody has selected any more.</summary>
    public TimeSpan KeepViews { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Capabilities that some are not told of, and cannot enable.</summary>
    public IReadOnlyList<CapabilitySwitch> SwitchedOff { get; init; } = [];
}

/// <summary>Takes a capability from those who have trouble with it.</summary>
/// <param name="Capability">As listed, in any case; with "=" at the end all that begin so.</param>
/// <param name="Account">The main address of the account; empty for all.</param>
/// <param name="Client">A part of "name version" as the client gives them by ID (RFC 2971), in any case; empty for all.</param>
public sealed record CapabilitySwitch(string Capability, string Account, string Client)
{
    internal bool Takes(string word, string? account, string client) =>
        (Capability.EndsWith('=') ? word.StartsWith(Capability, StringComparison.OrdinalIgnoreCase) : word.Equals(Capability, StringComparison.OrdinalIgnoreCase))
        && (Account.Length == 0 || Account.Equals(account, StringComparison.OrdinalIgnoreCase))
        && (Client.Length == 0 || client.Contains(Client, StringComparison.OrdinalIgnoreCase));
}

/// <summary>What one listener decides.</summary>
/// <param name="Tls">The TLS options for STARTTLS at this moment; null, or returning null, means that it is not offered.</param>
/// <param name="PlaintextLogin">Clients on loopback may log in without TLS.</param>
public sealed record ImapListenerSettings(Func<SslServerAuthenticationOptions?>? Tls, bool PlaintextLogin);
