using System.Net;
using System.Net.Sockets;
using Posthorn.Wire.Connections;

namespace Posthorn.Delivery.Outbound;

/// <summary>
/// Connects to one of the addresses of a host: the next one is tried beside the first when that is silent for a moment, so a
/// broken IPv6 path costs a quarter of a second and not half a minute (RFC 8305 §5).
/// </summary>
sealed class Dialer(IConnector connector, TimeProvider time)
{
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The first connection that stands, with its address; null when none does. Addresses that were tried to their end are
    /// taken off <paramref name="left"/>, those that failed are told to <paramref name="failed"/>.
    /// </summary>
    internal async ValueTask<(Connection Connection, EndPoint Address)?> DialAsync(List<EndPoint> left, int most, Action<EndPoint, string> failed, CancellationToken ct)
    {
        using var race = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var running = new List<Task<Attempt>>(2);
        try
        {
            while (true)
            {
                if (left.Count > 0 && most-- > 0)
                {
                    running.Add(TryAsync(left[0], race.Token));
                    left.RemoveAt(0);
                }
                else if (running.Count == 0) return null;
                if (await FirstAsync(running, mayWaitLess: left.Count > 0 && most > 0, race.Token).ConfigureAwait(false) is not { } ended) continue;
                running.Remove(ended);
                var attempt = await ended.ConfigureAwait(false);
                if (attempt.Connection is { } connection) return (connection, attempt.Address);
                ct.ThrowIfCancellationRequested();
                failed(attempt.Address, attempt.Error!);
            }
        }
        finally
        {
            await race.CancelAsync().ConfigureAwait(false);
            foreach (var loser in running)
            {
                // What was still being tried has not failed: it may be tried again when the winner turns out to be of no use.
                var attempt = await loser.ConfigureAwait(false);
                left.Add(attempt.Address);
                if (attempt.Connection is { } late) await CloseAsync(late).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The attempt that ended first; null when it is time to begin another one beside.</summary>
    async ValueTask<Task<Attempt>?> FirstAsync(List<Task<Attempt>> running, bool mayWaitLess, CancellationToken ct)
    {
        foreach (var task in running)
            if (task.IsCompleted) return task;
        if (!mayWaitLess) return await Task.WhenAny(running).ConfigureAwait(false);
        using var moment = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var patience = Task.Delay(Patience, time, moment.Token);
        var first = await Task.WhenAny([.. running, patience]).ConfigureAwait(false);
        await moment.CancelAsync().ConfigureAwait(false);
        return first as Task<Attempt>;
    }

    async Task<Attempt> TryAsync(EndPoint address, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            return new(address, await connector.ConnectAsync(address, either.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException)
        {
            return new(address, null, $"no answer within {ConnectTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException or NotSupportedException)
        {
            return new(address, null, e.Message);
        }
    }

    async ValueTask CloseAsync(Connection connection)
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        connector.Closed(connection);
    }

    readonly record struct Attempt(EndPoint Address, Connection? Connection, string? Error);
}
