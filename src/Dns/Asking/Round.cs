using Microsoft.Extensions.Logging;
using Posthorn.Dns.Packets;

namespace Posthorn.Dns.Asking;

/// <summary>
/// One question to the servers in their order. A server that fails makes room for the next at once; one that is silent does
/// so after <see cref="DnsResolverOptions.Patience"/>, and may still be the first to answer.
/// </summary>
sealed class Round(ServerList servers, DnsResolverOptions options, TimeProvider time, ILogger log)
{
    // A lost packet is asked for again; more would only feed a server that is down.
    const int Tries = 2, TriesOfOne = 3;

    /// <summary>The answer of the first server that has one, or that says that it is forged; else why there is none. Ends at the latest when cancelled.</summary>
    internal async Task<RoundResult> AskAsync(string name, DnsType type, CancellationToken budget)
    {
        var order = servers.InOrder();
        var waiting = new Queue<DnsServer>(Enumerable.Repeat(order, order.Count == 1 ? TriesOfOne : Tries).SelectMany(s => s));
        var running = new List<Task<ExchangeResult>>();
        var failed = new Dictionary<DnsServer, string>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(budget);
        try
        {
            while (true)
            {
                var started = Next(waiting, failed);
                if (started is not null) running.Add(new Exchange(started, name, type, options, time, log).AskAsync(stop.Token));
                if (running.Count == 0) return new(null, null, string.Join("; ", failed.Select(f => $"{f.Key.EndPoint} {f.Value}")));
                // Without anybody left to ask there is only the end of the budget to wait for.
                var patience = waiting.Count > 0 ? Task.Delay(options.Patience, time, stop.Token) : null;
                var done = await Task.WhenAny(patience is null ? running : running.Append(patience)).ConfigureAwait(false);
                if (done is not Task<ExchangeResult> exchange)
                {
                    if (budget.IsCancellationRequested) waiting.Clear();
                    else if (started is not null) KeptSilent(started);
                    continue;
                }
                running.Remove(exchange);
                var result = await exchange.ConfigureAwait(false);
                if (result.Silent) KeptSilent(result.Server);
                else if (result.Server.Answered()) DnsLog.AnswersAgain(log, result.Server.EndPoint);
                if (result.Reply is { } reply && (reply.Answers || reply.Bogus)) return new(result.Server, reply, reply.Answers ? "" : $"{result.Server.EndPoint} {reply.Refusal}");
                failed[result.Server] = result.Reply?.Refusal ?? (result.Silent ? $"did not answer within {options.Budget.TotalSeconds:0.#} s" : result.Why);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    void KeptSilent(DnsServer server)
    {
        if (server.KeptSilent(options.Cooldown)) DnsLog.Silent(log, server.EndPoint);
    }

    /// <summary>The next server that has not failed yet.</summary>
    static DnsServer? Next(Queue<DnsServer> waiting, Dictionary<DnsServer, string> failed)
    {
        while (waiting.TryDequeue(out var server))
            if (!failed.ContainsKey(server)) return server;
        return null;
    }
}

/// <param name="Reply">An answer, or one that says that it was forged; null when no server had any.</param>
/// <param name="Why">What each server did, in words; empty with an answer.</param>
readonly record struct RoundResult(DnsServer? Server, DnsReply? Reply, string Why);
