using System.Net;
using Posthorn.Accounts.Routes;

namespace Posthorn.Configuration;

/// <summary>The whole of posthorn.json.</summary>
sealed record ServerOptions
{
    [Option("The name of this server: in the greeting, in EHLO, in Received lines. It should be the name that the address resolves to.", Required = true, Example = "mail.example.org")]
    public string Hostname { get; init; } = "";

    [Option("The directory of the store, the certificates made here and the control socket. It is made, with mode 0700, when missing.", Required = true, Path = true, Example = "data")]
    public string DataDirectory { get; init; } = "";

    [Option("The account of the operating system to become after the listeners are bound. Only used when started as root; then it should be set.", Example = "posthorn")]
    public string? User { get; init; }

    [Option("Where clients are served.")]
    public IReadOnlyList<ListenerOptions> Listeners { get; init; } = [];

    [Option("Who may send mail through this server without a login.")]
    public RelayOptions Relay { get; init; } = new();

    [Option("How mail leaves for other servers: retries, limits, TLS. Routes can set most of it for themselves.")]
    public DeliverySection Delivery { get; init; } = new();

    [Option("How programs on this machine hand mail in by the sendmail command.")]
    public SendmailSection Sendmail { get; init; } = new();

    [Option("Where names are looked up.")]
    public DnsOptions Dns { get; init; } = new();

    [Option("Certificates for encrypted connections.")]
    public TlsOptions Tls { get; init; } = new();

    [Option("What IMAP clients are offered.")]
    public ImapSection Imap { get; init; } = new();

    [Option("Bounds that keep one client or one message from harming the others.")]
    public LimitOptions Limits { get; init; } = new();

    [Option("Rules for the names people log in with and receive mail at.")]
    public AccountsOptions Accounts { get; init; } = new();

    [Option("Where mail and settings are kept.")]
    public StoreSection Store { get; init; } = new();

    [Option("What is written about each event, and where.")]
    public LogOptions Log { get; init; } = new();

    [Option("The socket through which the commands of this program reach the running server.")]
    public ControlOptions Control { get; init; } = new();
}

/// <summary>The services a listener can offer.</summary>
enum ListenerProtocol { Smtp, Submission, Submissions, Lmtp, Pop3, Pop3s, Imap, Imaps, Http, Https }

/// <summary>Whether a password may cross an unencrypted connection.</summary>
enum PlaintextLogin { Loopback, Never }

sealed record ListenerOptions
{
    [Option("The service offered: mail from other servers (smtp), mail from users (submission; submissions with TLS from the start), local delivery (lmtp), reading (imap, pop3; imaps, pop3s with TLS from the start). The names http and https are kept for later versions.", Required = true)]
    public ListenerProtocol Protocol { get; init; }

    [Option("\"address:port\", \"[IPv6 address]:port\", or \"unix:path\" for a Unix socket.", Required = true, Example = "0.0.0.0:25")]
    public ListenerAddress Address { get; init; } = new(null, null);

    [Option("\"loopback\" lets clients on this machine log in without TLS; \"never\" lets nobody. For smtp, submission, lmtp and pop3.")]
    public PlaintextLogin PlaintextLogin { get; init; } = PlaintextLogin.Never;

    [Option("Networks of proxies that begin each connection with a PROXY header (version 1 or 2) naming the real client. A connection from there without the header is closed; from elsewhere the header is refused.", Example = "10.0.0.0/8")]
    public IReadOnlyList<IPNetwork> ProxyProtocol { get; init; } = [];
}

sealed record RelayOptions
{
    [Option("Networks whose hosts may send mail to anywhere without a login, and are exempt from rate limits.", Example = "192.168.0.0/16", Reloads = true)]
    public IReadOnlyList<IPNetwork> TrustedNetworks { get; init; } = [];
}

sealed record DeliverySection
{
    [Option("The wait between the first failed attempt and the second.")]
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromMinutes(15);

    [Option("By how many percent each wait is longer than the one before.", Minimum = 0, Maximum = 900)]
    public int RetryGrowth { get; init; } = 50;

    [Option("The longest wait between two attempts.")]
    public TimeSpan RetryMost { get; init; } = TimeSpan.FromHours(4);

    [Option("After this time the sender is told that his message is late.")]
    public TimeSpan DelayNotice { get; init; } = TimeSpan.FromHours(4);

    [Option("After this time a message is given up and its sender is told.")]
    public TimeSpan GiveUp { get; init; } = TimeSpan.FromDays(5);

    [Option("After this time a message of the null sender (a bounce) is given up.")]
    public TimeSpan GiveUpBounces { get; init; } = TimeSpan.FromDays(2);

    [Option("Connections to one destination at first; they grow and shrink with what it bears.", Minimum = 1, Maximum = 1000)]
    public int ConcurrencyStart { get; init; } = 5;

    [Option("Most connections to one destination.", Minimum = 1, Maximum = 1000)]
    public int ConcurrencyMost { get; init; } = 20;

    [Option("Most deliveries at once to all destinations together.", Minimum = 1, Maximum = 10_000)]
    public int Deliveries { get; init; } = 200;

    [Option("Most messages a minute to one destination; 0 for no bound.", Unit = OptionUnit.PerMinute, Minimum = 0, Maximum = 1_000_000)]
    public int Rate { get; init; }

    [Option("How long a destination is left alone when none of its hosts could be reached; never longer than the first wait of a retry (delivery.retryFirst, or that of its route).")]
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromMinutes(5);

    [Option("Most recipients of a message that are handed over in one transaction.", Minimum = 1, Maximum = 1000)]
    public int Recipients { get; init; } = 100;

    [Option("How long messages that came to their end stay visible in the queue's lists.")]
    public TimeSpan KeepFinished { get; init; } = TimeSpan.FromDays(1);

    [Option("The port of other mail servers. Other values are for test rigs.", Minimum = 1, Maximum = 65535)]
    public int Port { get; init; } = 25;

    [Option("TLS to other servers where no route says else: \"opportunistic\" when the peer offers it, whatever its certificate; \"required\" never in clear; \"verified\" never without a good certificate; \"none\" never.")]
    public TlsPolicy Tls { get; init; } = TlsPolicy.Opportunistic;

    [Option("Private, loopback and link-local networks in which mail exchangers may be. Hosts that a route names may be anywhere.", Example = "10.0.0.0/8")]
    public IReadOnlyList<IPNetwork> PrivateNetworks { get; init; } = [];

    [Option("Addresses of this server that no interface of the machine shows (behind address translation), as networks, so that it finds itself among mail exchangers.", Example = "192.0.2.1/32")]
    public IReadOnlyList<IPNetwork> OwnAddresses { get; init; } = [];

    [Option("A PEM file with the roots that are trusted for \"verified\".", Path = true, Default = "those of the system")]
    public string? Roots { get; init; }

    [Option("The domain of rewritten reverse-paths (SRS) of forwarded mail. It must lead here.", Default = "the domain of the address that forwards")]
    public string? SrsDomain { get; init; }
}

sealed record SendmailSection
{
    [Option("The path of the Unix socket to which the sendmail command hands mail. Who may connect is decided by its mode.", Path = true, Default = "sendmail.sock in the data directory")]
    public string? Socket { get; init; }

    [Option("\"all\" lets every user of this machine send (mode 0666; the directory must let them in), \"owner\" only the server's own (mode 0600).")]
    public SendmailUsers Users { get; init; } = SendmailUsers.Owner;
}

/// <summary>Who may send by the sendmail command.</summary>
enum SendmailUsers { Owner, All }

sealed record DnsOptions
{
    [Option("Resolvers as \"address\" or \"address:port\". Empty: those of /etc/resolv.conf.", Example = "127.0.0.1:53")]
    public IReadOnlyList<ServerAddress> Servers { get; init; } = [];
}

sealed record TlsOptions
{
    [Option("Certificates with their keys. The one whose names fit what the client asks for is shown; the first is shown to all others. Empty: a self-signed one is made and kept in the data directory.", Reloads = true)]
    public IReadOnlyList<CertificateOptions> Certificates { get; init; } = [];
}

sealed record CertificateOptions
{
    [Option("A PEM file with the certificate and those that lead to its root, in that order.", Required = true, Path = true, Example = "/etc/posthorn/tls/fullchain.pem", Reloads = true)]
    public string Certificate { get; init; } = "";

    [Option("A PEM file with the private key, readable for nobody else.", Required = true, Path = true, Example = "/etc/posthorn/tls/key.pem", Reloads = true)]
    public string Key { get; init; } = "";

    [Option("Names to show it for, in place of those in the certificate.", Example = "mail.example.org", Reloads = true)]
    public IReadOnlyList<string> Hosts { get; init; } = [];
}

sealed record ImapSection
{
    [Option("Capabilities that some clients or accounts are not told of, since a client has bugs with them.")]
    public IReadOnlyList<SwitchOptions> SwitchedOff { get; init; } = [];

    [Option("The most messages that one command works on: FETCH, STORE, SEARCH, MOVE and UID EXPUNGE do the newest of them and say so, COPY, APPEND, SORT and THREAD refuse. Clients are told of it as MESSAGELIMIT (RFC 9738), which few of them know, so that there should be a reason to set it. 0 means any number, else at least 1000.", Minimum = 0, Maximum = int.MaxValue)]
    public int MessageLimit { get; init; }

    [Option("The most messages that one COPY or APPEND makes; more are refused. Clients are told of it as SAVELIMIT (RFC 9738). It is a part of imap.messageLimit, so that only one of the two can be set. 0 means any number for COPY, else at least 1000.", Minimum = 0, Maximum = int.MaxValue)]
    public int SaveLimit { get; init; }

    [Option("The addresses of the accounts with which submission servers log in: they may fetch what users have signed for submission (URLAUTH, RFC 4467).", Example = "submission@example.org")]
    public IReadOnlyList<string> SubmissionAccounts { get; init; } = [];
}

sealed record SwitchOptions
{
    [Option("The capability as it is listed, or, with = at the end, all that begin so.", Required = true, Example = "QRESYNC")]
    public string Capability { get; init; } = "";

    [Option("The address of the account that is not told of it; empty for all.", Example = "anna@example.org")]
    public string Account { get; init; } = "";

    [Option("A part of the name, or of the name and version, that the client gives of itself by ID; empty for all clients.", Example = "Some Mailer 1.2")]
    public string Client { get; init; } = "";
}

sealed record LimitOptions
{
    [Option("The largest message taken.", Unit = OptionUnit.Octets, Minimum = 65536, Maximum = 1 << 30)]
    public long MessageSize { get; init; } = 50L << 20;

    [Option("Most recipients of one message (RFC 5321 §4.5.3.1.8 asks for at least 100).", Minimum = 100, Maximum = 100_000)]
    public int Recipients { get; init; } = 1000;

    [Option("Most connections of all listeners together.", Minimum = 1, Maximum = 1_000_000, Reloads = true)]
    public int Connections { get; init; } = 12_000;

    [Option("Most connections from one address (IPv6: one /64).", Minimum = 1, Maximum = 1_000_000, Reloads = true)]
    public int ConnectionsPerAddress { get; init; } = 30;

    [Option("Most connections from one network (IPv4: /26, IPv6: /48).", Minimum = 1, Maximum = 1_000_000, Reloads = true)]
    public int ConnectionsPerNetwork { get; init; } = 90;

    [Option("New connections a minute from one address.", Unit = OptionUnit.PerMinute, Minimum = 1, Maximum = 1_000_000, Reloads = true)]
    public int ConnectionRate { get; init; } = 300;

    [Option("How long a stopping server waits for transfers to end.")]
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);
}

sealed record AccountsOptions
{
    [Option("The domain that completes a login name without one.", Example = "example.org")]
    public string? DefaultDomain { get; init; }

    [Option("The character between a user and a tag: mail to user+tag reaches user.")]
    public char SubaddressSeparator { get; init; } = '+';

    [Option("Whether SCRAM logins work with passwords that people chose, not only with app passwords. For that the store keeps keys of them, which are easier to guess at than the hashes beside them for somebody who has stolen the store (docs/login.md).")]
    public bool ScramPasswords { get; init; } = true;
}

/// <summary>What keeps the store's rows.</summary>
enum StoreEngine { Sqlite, Postgres }

sealed record StoreSection
{
    [Option("\"sqlite\" keeps everything in the data directory; \"postgres\" keeps all but the bodies in a PostgreSQL database.")]
    public StoreEngine Engine { get; init; } = StoreEngine.Sqlite;

    [Option("The connection string of the PostgreSQL database, when it holds no password.", Example = "Host=/run/postgresql;Database=posthorn")]
    public string? ConnectionString { get; init; }

    [Option("A file with the connection string, readable for nobody else.", Path = true, Example = "/etc/posthorn/secrets/postgres")]
    public string? ConnectionStringFile { get; init; }

    [Option("New mail is put off while less space than this is free.", Unit = OptionUnit.Octets, Minimum = 0)]
    public long MinimumFree { get; init; } = 64L << 20;
}

enum LogFormat { Text, Json }

enum LogSeverity { Debug, Information, Warning, Error }

sealed record LogOptions
{
    [Option("One line an event, as text or as a JSON object.", Reloads = false)]
    public LogFormat Format { get; init; } = LogFormat.Text;

    [Option("The least severity that is written.", Reloads = true)]
    public LogSeverity Level { get; init; } = LogSeverity.Information;

    [Option("A file to append to. Without one the log goes to the standard error stream. SIGHUP opens it anew.", Path = true, Example = "/var/log/posthorn.log", Default = "standard error")]
    public string? File { get; init; }
}

sealed record ControlOptions
{
    [Option("The path of the Unix socket; mode 0600.", Path = true, Default = "control.sock in the data directory")]
    public string? Socket { get; init; }
}
