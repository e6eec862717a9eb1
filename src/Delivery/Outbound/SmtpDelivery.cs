using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Queue;
using Posthorn.Smtp.Client;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// Finds a host that listens, and hands the message to it. The next host is asked only while none has accepted MAIL: after
/// that the peer has spoken for its domain, and asking elsewhere would risk a second copy.
/// </summary>
sealed class SmtpDelivery(IConnector connector, QueueOptions options, Repeats refusals, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Hosts and addresses that one attempt turns to (RFC 5321 §5.1: at least two).</summary>
    const int MostHosts = 5, MostAddresses = 10;

    /// <summary>Hosts that may be silent for a whole time-out: an attempt ends within minutes, not hours.</summary>
    const int MostSilent = 2;

    /// <summary>How long a host is taken at its word that its TLS does not work.</summary>
    static readonly TimeSpan ClearMemory = TimeSpan.FromMinutes(10);
    const int MostRemembered = 10_000;

    readonly Dialer _dialer = new(connector, time);
    readonly SessionPool _pool = new(time);
    readonly ConcurrentDictionary<EndPoint, long> _clear = new();
    readonly ConcurrentDictionary<(string Host, string User), string> _logins = new();

    /// <summary>Results for all recipients of the sheet.</summary>
    internal async ValueTask DeliverAsync(ResultSheet sheet, IReadOnlyList<MailHost> hosts, Manner manner, RouteLogin? login, MessageText text, CancellationToken ct)
    {
        var attempt = new Attempt(sheet, manner, login);
        foreach (var host in hosts.Take(MostHosts))
        {
            var left = host.Addresses.ToList();
            while (attempt.MayGoOn)
            {
                var kept = attempt.OnlyFresh ? null : _pool.Take(left, host, manner);
                if (kept is null && left.Count == 0) break;
                var session = kept ?? await OpenAsync(attempt, host, left, ct).ConfigureAwait(false);
                if (session is null) continue;
                if (await SendAsync(attempt, session, reused: kept is not null, text, ct).ConfigureAwait(false))
                {
                    refusals.Forget(sheet.Job.Destination);
                    return;
                }
                if (kept is not null && !attempt.OnlyFresh) left.Remove(kept.Key.Address);
            }
            if (attempt.Decided) break;
        }
        sheet.Finish(attempt.Troubles.Verdict(ofDomain: sheet.Job.Route.Transport.Kind == TransportKind.Mx).Heard(refusals, sheet.Job.Destination));
    }

    /// <summary>Opens a session with one of the addresses; null when that one is of no use. Tried addresses leave the list.</summary>
    async ValueTask<HostSession?> OpenAsync(Attempt attempt, MailHost host, List<EndPoint> left, CancellationToken ct)
    {
        var login = default(SmtpClientLogin);
        try
        {
            login = await RouteSecrets.ReadAsync(attempt.Login, time, ct).ConfigureAwait(false);
        }
        catch (SecretException e)
        {
            OutboundLog.NoSecret(logger, attempt.Sheet.Job.Route.Name, ReplyWords.Clean(e.Message));
            attempt.Troubles.Decide(new(AttemptStatus.Deferred, "3.5", ReplyWords.Clean("no login for the next host: " + e.Message), DestinationHealth.Down));
            attempt.Decided = true;
            left.Clear();
            return null;
        }
        var dialled = await _dialer.DialAsync(left, attempt.AddressesLeft, (address, error) =>
        {
            attempt.AddressesLeft--;
            Note(attempt, new Trouble(host.Relay(address), null, $"cannot connect: {error}"));
        }, ct).ConfigureAwait(false);
        if (dialled is not var (connection, address)) return null;
        attempt.AddressesLeft--;

        var relay = host.Relay(address);
        var clear = attempt.Manner.MayGoClear && IsKnownClear(address);
        var (session, failure) = await TalkAsync(attempt, host, connection, relay, login, clear, ct).ConfigureAwait(false);
        if (failure is not null && !clear && attempt.Manner.MayGoClear && IsTlsTrouble(failure))
        {
            // RFC 7435 §3: protection that nobody demanded must not be the reason that mail does not arrive.
            OutboundLog.InClear(logger, attempt.Sheet.Id, relay, failure.Text);
            if (await _dialer.DialAsync([address], 1, (_, error) => Note(attempt, new Trouble(relay, null, $"cannot connect: {error}")), ct).ConfigureAwait(false) is not var (again, _)) return null;
            (session, failure) = await TalkAsync(attempt, host, again, relay, login, clear: true, ct).ConfigureAwait(false);
            if (session is not null) RememberClear(address);
        }
        if (session is not null) return session;
        Note(attempt, new Trouble(relay, failure, failure!.Text));
        return null;

        void Note(Attempt a, Trouble trouble)
        {
            OutboundLog.HostTrouble(logger, a.Sheet.Id, trouble.Relay, ReplyWords.Clean(trouble.Text));
            a.Troubles.Add(trouble);
            // A login that was refused is refused by every address of the same service, and each try counts there as one.
            a.Decided |= trouble.Failure is { Stage: SmtpStage.Auth, Kind: SmtpFailureKind.Reply };
            if (trouble.Failure is { Kind: SmtpFailureKind.Timeout } && ++a.Silent >= MostSilent) a.Decided = true;
        }
    }

    async ValueTask<(HostSession? Session, SmtpFailure? Failure)> TalkAsync(Attempt attempt, MailHost host, Wire.Connections.Connection connection, string relay, SmtpClientLogin? login, bool clear, CancellationToken ct)
    {
        if (login is not null && _logins.TryGetValue((host.Name, login.User), out var before)) login = login with { Before = before };
        var settings = new SmtpClientSettings(options.Hostname, attempt.Manner.TlsFor(host, options.Roots, clear), login, attempt.Manner.Lmtp);
        var opened = false;
        try
        {
            var (session, failure) = await SmtpClientSession.OpenAsync(connection, settings, ct).ConfigureAwait(false);
            if (session is null) return (null, failure);
            opened = true;
            if (session.Peer.LoginBy is { } by) _logins[(host.Name, login!.User)] = by; // as many as there are routes with a login
            return (new HostSession(new(connection.Remote, host.TlsName, attempt.Manner), session, connection, relay, connector), null);
        }
        finally
        {
            if (!opened) connector.Closed(connection);
        }
    }

    /// <summary>True when the job has its results; false when another host, or another session with this one, is to be tried.</summary>
    async ValueTask<bool> SendAsync(Attempt attempt, HostSession session, bool reused, MessageText text, CancellationToken ct)
    {
        var keep = false;
        try
        {
            var end = await new Transaction(attempt.Sheet, session, text, logger).RunAsync(ct).ConfigureAwait(false);
            keep = end.Reusable;
            if (end.BeforeMail is not { } failure) return true;
            // A session that had been waiting may have died of that: its host has not been heard yet. The others that wait
            // may be dead the same way.
            if (reused && (failure.Reply is null || failure.Reply.Code == 421))
            {
                attempt.OnlyFresh = true;
                return false;
            }
            OutboundLog.HostTrouble(logger, attempt.Sheet.Id, session.Relay, ReplyWords.Clean(failure.Text));
            attempt.Troubles.Add(new(session.Relay, failure, failure.Text) { Tls = session.Session.Peer.Tls });
            if (failure.Kind == SmtpFailureKind.Timeout && ++attempt.Silent >= MostSilent) attempt.Decided = true;
            return false;
        }
        finally
        {
            if (keep) _pool.Give(session);
            else _pool.CloseLater(session);
        }
    }

    static bool IsTlsTrouble(SmtpFailure failure) => failure switch
    {
        { Stage: SmtpStage.StartTls, Kind: SmtpFailureKind.Garbage } => false, // octets behind the 220: somebody is in between
        { Stage: SmtpStage.StartTls or SmtpStage.Handshake } => true,
        { Kind: SmtpFailureKind.Tls or SmtpFailureKind.Certificate } => true,
        _ => false,
    };

    bool IsKnownClear(EndPoint address)
    {
        if (!_clear.TryGetValue(address, out var since)) return false;
        if (time.GetElapsedTime(since) < ClearMemory) return true;
        _clear.TryRemove(address, out _);
        return false;
    }

    void RememberClear(EndPoint address)
    {
        if (_clear.Count >= MostRemembered) _clear.Clear();
        _clear[address] = time.GetTimestamp();
    }

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    /// <summary>What one attempt has been through.</summary>
    sealed class Attempt(ResultSheet sheet, Manner manner, RouteLogin? login)
    {
        internal ResultSheet Sheet => sheet;
        internal Manner Manner => manner;
        internal RouteLogin? Login => login;
        internal Troubles Troubles { get; } = new();
        internal int AddressesLeft { get; set; } = MostAddresses;
        internal int Silent { get; set; }

        /// <summary>Sessions that were kept are not to be trusted now.</summary>
        internal bool OnlyFresh { get; set; }

        /// <summary>No other host would answer otherwise, or there was no time for one.</summary>
        internal bool Decided { get; set; }
        internal bool MayGoOn => !Decided && AddressesLeft > 0;
    }
}
