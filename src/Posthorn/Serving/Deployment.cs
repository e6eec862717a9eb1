using System.Net;
using Posthorn.Accounts;
using Posthorn.Configuration;
using Posthorn.Delivery.Inbound;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Imap;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Tls.Certificates;
using Posthorn.Wire.Connections;

namespace Posthorn.Serving;

/// <summary>The configuration in the words of each part of the program.</summary>
static class Deployment
{
    public static StoreOptions Store(ServerOptions options) => new()
    {
        Directory = options.DataDirectory,
        Postgres = options.Store.Engine == StoreEngine.Postgres ? options.Store.ConnectionString ?? File.ReadAllText(options.Store.ConnectionStringFile!).Trim() : null,
        MinimumFree = options.Store.MinimumFree,
    };

    public static AccountOptions Accounts(ServerOptions options) => new()
    {
        DefaultDomain = options.Accounts.DefaultDomain,
        SubaddressSeparator = options.Accounts.SubaddressSeparator,
        ScramPasswords = options.Accounts.ScramPasswords,
    };

    public static DeliveryOptions Delivery(ServerOptions options, bool holdForeign) => new()
    {
        Hostname = options.Hostname,
        MaxMessageSize = options.Limits.MessageSize,
        MaxRecipients = options.Limits.Recipients,
        HoldForeign = holdForeign,
        SrsDomain = options.Delivery.SrsDomain,
    };

    public static QueueOptions Queue(ServerOptions options) => new()
    {
        Hostname = options.Hostname,
        RetryFirst = options.Delivery.RetryFirst,
        RetryGrowth = 1 + options.Delivery.RetryGrowth / 100.0,
        RetryMost = options.Delivery.RetryMost,
        DelayNotice = options.Delivery.DelayNotice,
        GiveUp = options.Delivery.GiveUp,
        GiveUpBounces = options.Delivery.GiveUpBounces,
        ConcurrencyStart = options.Delivery.ConcurrencyStart,
        ConcurrencyMost = options.Delivery.ConcurrencyMost,
        Deliveries = options.Delivery.Deliveries,
        Rate = options.Delivery.Rate,
        Cooldown = options.Delivery.Cooldown,
        Recipients = options.Delivery.Recipients,
        KeepFinished = options.Delivery.KeepFinished,
        Port = options.Delivery.Port,
        Tls = options.Delivery.Tls,
        PrivateNetworks = options.Delivery.PrivateNetworks,
        OwnNetworks = options.Delivery.OwnAddresses,
        Roots = options.Delivery.Roots,
    };

    public static DnsResolverOptions Dns(ServerOptions options) => new() { Servers = [.. options.Dns.Servers.Select(s => s.EndPoint)] };

    public static SmtpServerOptions Smtp(ServerOptions options) => new() { Hostname = options.Hostname, MaxMessageSize = options.Limits.MessageSize, MaxRecipients = options.Limits.Recipients };

    public static ImapOptions Imap(ServerOptions options) => new()
    {
        Hostname = options.Hostname,
        MaxMessageSize = options.Limits.MessageSize,
        DefaultDomain = options.Accounts.DefaultDomain,
        MessageLimit = options.Imap.MessageLimit,
        SaveLimit = options.Imap.SaveLimit,
        SubmissionAccounts = options.Imap.SubmissionAccounts,
        SwitchedOff = [.. options.Imap.SwitchedOff.Select(static s => new CapabilitySwitch(s.Capability, s.Account, s.Client))],
    };

    public static GateLimits Gate(ServerOptions options) => new()
    {
        Total = Descriptors.Bound(options.Limits.Connections),
        PerAddress = options.Limits.ConnectionsPerAddress,
        PerNetwork = options.Limits.ConnectionsPerNetwork,
        PerMinute = options.Limits.ConnectionRate,
    };

    public static IReadOnlyList<CertificateFiles> Certificates(ServerOptions options) =>
        [.. options.Tls.Certificates.Select(c => new CertificateFiles(c.Certificate, c.Key, c.Hosts))];

    public static bool IsSmtp(ListenerProtocol protocol) => protocol is ListenerProtocol.Smtp or ListenerProtocol.Submission or ListenerProtocol.Submissions or ListenerProtocol.Lmtp;

    public static bool IsImplicitTls(ListenerProtocol protocol) => protocol is ListenerProtocol.Submissions or ListenerProtocol.Pop3s or ListenerProtocol.Imaps;

    public static bool IsImap(ListenerProtocol protocol) => protocol is ListenerProtocol.Imap or ListenerProtocol.Imaps;

    public static SmtpService Service(ListenerProtocol protocol) => protocol switch
    {
        ListenerProtocol.Smtp => SmtpService.Relay,
        ListenerProtocol.Lmtp => SmtpService.Lmtp,
        _ => SmtpService.Submission,
    };

    /// <summary>The protocol as it is written in the file and in logs.</summary>
    public static string Name(ListenerProtocol protocol) => protocol.ToString().ToLowerInvariant();

    public static EndPoint EndPoint(ListenerAddress address) =>
        address.UnixPath is { } path ? new System.Net.Sockets.UnixDomainSocketEndPoint(path) : address.EndPoint!;

    /// <summary>Checks what the configuration points at, beyond its form. Throws <see cref="ConfigException"/>; changes nothing.</summary>
    public static void CheckFiles(LoadedConfig config)
    {
        var errors = new List<ConfigError>();
        for (var i = 0; i < config.Options.Tls.Certificates.Count; i++)
        {
            var files = Certificates(config.Options)[i];
            try { CertificateStore.Validate([files]); }
            catch (CertificateException e)
            {
                var option = $"tls.certificates[{i}].{(e.File == files.Key ? "key" : "certificate")}";
                errors.Add(new(config.Origins.GetValueOrDefault(option) ?? new Origin(config.File, 0), option, e.Message));
            }
        }
        if (config.Options.User is { } user && ProcessUser.Find(user) is null)
            errors.Add(new(config.Origins.GetValueOrDefault("user") ?? new Origin(config.File, 0), "user", $"there is no user \"{user}\" on this machine"));
        if (errors.Count > 0) throw new ConfigException(errors);
    }
}
