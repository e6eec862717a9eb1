using System.Text;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts;
using Posthorn.Delivery.Dsn;
using Posthorn.Delivery.Queue;
using Posthorn.Delivery.Routing;
using Posthorn.Smtp.Server;
using Posthorn.Storage;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>What stands behind SMTP, submission and LMTP sessions: takes mail in, files it or queues it. Thread-safe.</summary>
public sealed class SmtpBackend : ISmtpBackend
{
    internal MailStore Store { get; }
    internal AccountDirectory Accounts { get; }
    internal DeliveryOptions Options { get; }
    internal TimeProvider Time { get; }
    internal ILogger Logger { get; }
    internal Router Router { get; }
    internal NoticeComposer Composer { get; }
    internal IQueueHandover Handover { get; }

    /// <summary>The host name as it stands in headers.</summary>
    internal byte[] Host { get; }

    /// <param name="queue">What delivers to other hosts; null where nothing does, and what is queued waits.</param>
    public SmtpBackend(MailStore store, AccountDirectory accounts, DeliveryOptions options, TimeProvider time, ILogger logger, OutboundQueue? queue = null)
        : this(store, accounts, options, time, logger, queue as IQueueHandover ?? NoHandover.Instance)
    {
    }

    internal SmtpBackend(MailStore store, AccountDirectory accounts, DeliveryOptions options, TimeProvider time, ILogger logger, IQueueHandover handover)
    {
        Handover = handover;
        Store = store;
        Accounts = accounts;
        Options = options;
        Time = time;
        Logger = logger;
        Router = new Router(accounts, EmailAddress.NormalizeDomain(options.Hostname) ?? options.Hostname, new Srs(store, options.SrsDomain, time));
        Composer = new NoticeComposer(options.Hostname);
        Host = Encoding.ASCII.GetBytes(options.Hostname);
    }

    public ValueTask<(ISmtpTransaction? Transaction, SmtpReply? Refusal)> MailAsync(SmtpClientInfo client, MailParameters mail, CancellationToken ct)
    {
        if (Refusal(client, mail) is { } refusal) return ValueTask.FromResult<(ISmtpTransaction?, SmtpReply?)>((null, refusal));
        return ValueTask.FromResult<(ISmtpTransaction?, SmtpReply?)>((new Transaction(this, client, mail), null));
    }

    SmtpReply? Refusal(SmtpClientInfo client, MailParameters mail)
    {
        if (Store.Poisoned.IsCompleted) return Replies.Fault;
        // Without SIZE the message may be as large as we allow.
        if (!Store.HasRoomFor(mail.Size ?? Options.MaxMessageSize)) return Replies.NoSpace;
        if (client.Service == SmtpService.Submission && client.Principal is null) return Replies.LoginFirst; // RFC 6409 §4.3
        // RFC 6409 §6.1, and the rule against identity spoofing: for every login, on whatever port. The null sender is for
        // everybody, since mail programs send disposition notices with it (RFC 8098 §2.1).
        if (client.Principal is { } who && mail.ReversePath is { } sender && !Accounts.MaySendAs(who.AccountId, sender)) return Replies.NotYourSender;
        return null;
    }

    public ValueTask<IReadOnlyList<string>> VerifyAsync(SmtpClientInfo client, string argument, CancellationToken ct)
    {
        // RFC 5321 §3.5.1: an address, or a user name alone.
        if (Find(argument) is not { Status: ResolutionStatus.Found } found) return ValueTask.FromResult<IReadOnlyList<string>>([]);
        return ValueTask.FromResult(Names(found.Destinations));
    }

    public ValueTask<IReadOnlyList<string>> ExpandAsync(SmtpClientInfo client, string argument, CancellationToken ct)
    {
        // A list is what is more than one mailbox, or another name for one.
        if (Find(argument) is not { Status: ResolutionStatus.Found } found) return ValueTask.FromResult<IReadOnlyList<string>>([]);
        if (found.Destinations is [Destination.Local only] && Parse(argument) is { } asked && asked.Equals(only.Address))
            return ValueTask.FromResult<IReadOnlyList<string>>([]);
        return ValueTask.FromResult(Names(found.Destinations));
    }

    Resolution? Find(string argument)
    {
        if (Parse(argument) is { } address) return Accounts.Resolve(address);
        return Accounts.ByLogin(argument.Trim()) is { } row && Accounts.AddressOf(row.Id) is { } main ? Accounts.Resolve(main) : null;
    }

    static EmailAddress? Parse(string argument)
    {
        argument = argument.Trim();
        if (argument is ['<', .. var inside, '>']) argument = inside;
        return EmailAddress.TryParse(argument);
    }

    IReadOnlyList<string> Names(IReadOnlyList<Destination> destinations)
    {
        var names = new List<string>(destinations.Count);
        foreach (var d in destinations)
        {
            switch (d)
            {
                case Destination.Local local:
                    var name = Accounts.Account(local.AccountId)?.Name;
                    names.Add(string.IsNullOrEmpty(name) ? $"<{local.Address}>" : $"{Phrase(name)} <{local.Address}>");
                    break;
                case Destination.Foreign foreign:
                    names.Add($"<{foreign.Address}>");
                    break;
            }
        }
        return names;
    }

    /// <summary>A full name as a phrase (RFC 5322 §3.2.5): quoted where it must be, and never with a control character.</summary>
    static string Phrase(string name)
    {
        var b = new StringBuilder(name.Length + 2);
        var quote = false;
        foreach (var c in name)
        {
            if (char.IsControl(c)) continue;
            if (c is '"' or '\\') b.Append('\\');
            if (c < 128 && !char.IsAsciiLetterOrDigit(c) && c is not (' ' or '-' or '\'' or '_')) quote = true;
            b.Append(c);
        }
        return quote ? $"\"{b}\"" : b.ToString();
    }
}
