using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound.Files;
using Posthorn.Delivery.Queue;
using Posthorn.Dns;
using Posthorn.Storage;

namespace Posthorn.Delivery.Outbound;

/// <summary>Every transport behind one door. Dispose it when nothing is delivered any more: it closes the sessions it kept.</summary>
public sealed class DeliveryAgent : IDeliveryAgent, IAsyncDisposable
{
    readonly HostFinder _finder;
    readonly MailStore _store;
    readonly QueueOptions _options;
    readonly ILogger _logger;
    readonly SmtpDelivery _smtp;
    readonly FileDelivery _files;
    readonly Repeats _noHosts;

    /// <param name="random">For the order of equal MX hosts.</param>
    public DeliveryAgent(IDnsResolver resolver, MailStore store, IConnector connector, QueueOptions options, Random random, TimeProvider time, ILogger logger)
    {
        (_store, _options, _logger) = (store, options, logger);
        // Half of the wait before the second attempt: two attempts count as two, whatever jitter the queue adds.
        var repeat = TimeSpan.FromTicks(Math.Min(options.RetryFirst.Ticks, TimeSpan.TicksPerMinute * 10) / 2);
        _noHosts = new Repeats(time, repeat);
        _finder = new HostFinder(resolver, connector, options, random);
        _smtp = new SmtpDelivery(connector, options, new Repeats(time, repeat), time, logger);
        _files = new FileDelivery(options.Hostname, time, logger);
    }

    public async ValueTask<DeliveryReport> DeliverAsync(DeliveryJob job, CancellationToken ct)
    {
        var sheet = new ResultSheet(job);
        try
        {
            await DeliverAsync(sheet, job.Route.Transport, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            sheet.Finish(new(AttemptStatus.Deferred, "3.2", "this server is being stopped", DestinationHealth.Good));
        }
        catch (StoreDamageException e)
        {
            OutboundLog.Damage(_logger, sheet.Id, e.Message);
            sheet.Finish(new(AttemptStatus.Deferred, "3.0", "the message cannot be read from the store of this server", DestinationHealth.Good));
        }
        catch (Exception e)
        {
            // Whatever it was: one message must not stop the others, and what is not known is temporary.
            OutboundLog.Fault(_logger, e, sheet.Id, job.Destination);
            sheet.Finish(new(AttemptStatus.Deferred, "3.0", "a fault of this server", DestinationHealth.Good));
        }
        return sheet.Report();
    }

    ValueTask DeliverAsync(ResultSheet sheet, Transport transport, CancellationToken ct)
    {
        if (sheet.Open.Count == 0) return ValueTask.CompletedTask;
        switch (transport.Kind)
        {
            case TransportKind.Mx:
            case TransportKind.Smtp:
            case TransportKind.Lmtp:
                return RelayAsync(sheet, transport, ct);
            case TransportKind.Mbox:
            case TransportKind.Maildir:
                return FileAsync(sheet, transport, ct);
            case TransportKind.Discard:
                sheet.Finish(new(AttemptStatus.Delivered, "0.0", $"discarded by the route {ReplyWords.Clean(sheet.Job.Route.Name)}", DestinationHealth.Good));
                break;
            default: // the scheduler holds such mail itself; should it come here, nothing is lost
                sheet.Finish(new(AttemptStatus.Deferred, "0.0", $"held by the route {ReplyWords.Clean(sheet.Job.Route.Name)}", DestinationHealth.Good));
                break;
        }
        return ValueTask.CompletedTask;
    }

    async ValueTask RelayAsync(ResultSheet sheet, Transport transport, CancellationToken ct)
    {
        var plan = transport switch
        {
            { Kind: TransportKind.Mx } => await _finder.ForDomainAsync(sheet.Addresses[sheet.Open[0]]!.Domain, ct).ConfigureAwait(false),
            { Path: { } path } => new([new(path, [new UnixDomainSocketEndPoint(path)], null)], null),
            _ => await _finder.ForHostAsync(transport.Host!, transport.Port, ct).ConfigureAwait(false),
        };
        if (plan.Verdict is { } verdict)
        {
            sheet.Finish(verdict.Heard(_noHosts, sheet.Job.Destination));
            return;
        }
        _noHosts.Forget(sheet.Job.Destination);
        var settings = sheet.Job.Route.Settings;
        // A socket in the file system needs no TLS; who wants it there all the same says so in the route.
        var tls = settings.Tls ?? (transport.Path is null ? _options.Tls : TlsPolicy.None);
        var manner = new Manner(transport.Kind == TransportKind.Lmtp, tls, transport.ImplicitTls, sheet.Job.Route.Id, settings.Login?.User);
        await using var text = new MessageText(_store, sheet.Job.Message);
        await _smtp.DeliverAsync(sheet, plan.Hosts!, manner, settings.Login, text, ct).ConfigureAwait(false);
    }

    async ValueTask FileAsync(ResultSheet sheet, Transport transport, CancellationToken ct)
    {
        await using var text = new MessageText(_store, sheet.Job.Message);
        await _files.DeliverAsync(sheet, transport, text, ct).ConfigureAwait(false);
    }

    /// <summary>Says QUIT to the hosts whose sessions are kept.</summary>
    public ValueTask DisposeAsync() => _smtp.DisposeAsync();
}
