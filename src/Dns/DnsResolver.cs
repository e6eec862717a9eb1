using Microsoft.Extensions.Logging;
using Posthorn.Dns.Asking;

namespace Posthorn.Dns;

/// <summary>
/// A stub resolver: asks recursive resolvers over UDP and TCP, and keeps what they say for as long as it holds. It does not
/// validate signatures; whom it believes that they are valid is said in <see cref="DnsResolverOptions.Servers"/>. Equal
/// questions that are asked at one time are one question on the network.
/// </summary>
public sealed class DnsResolver : IDnsResolver
{
    readonly Lock _lock = new();
    readonly DnsResolverOptions _options;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly ServerList _servers;
    readonly SemaphoreSlim _places;
    readonly AnswerCache _cache;
    readonly Dictionary<DnsQuestion, Task<DnsAnswer>> _flights = [];
    readonly long _start;

    public DnsResolver(DnsResolverOptions options, TimeProvider time, ILogger logger)
    {
        (_options, _time, _log) = (options, time, logger);
        _servers = new ServerList(options, time, logger);
        _places = new SemaphoreSlim(options.InFlight);
        _cache = new AnswerCache(options.CacheEntries, options.CacheOctets);
        _start = time.GetTimestamp();
    }

    long Now => _time.GetElapsedTime(_start).Ticks;

    /// <summary>
    /// Answers from what is kept, or asks; at the latest after <see cref="DnsResolverOptions.Budget"/>. Search domains are
    /// not applied. A cancellation ends the wait of this asker alone, with <see cref="OperationCanceledException"/>.
    /// </summary>
    public ValueTask<DnsAnswer> LookupAsync(string name, DnsType type, CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        if (DnsName.Normalise(name) is not { } normal) return new(new DnsAnswer(DnsStatus.NoSuchDomain, [], "", false, "this is not a name that the DNS can have"));
        var question = new DnsQuestion(normal, type);
        Task<DnsAnswer>? flight;
        lock (_lock)
        {
            if (_cache.Find(question, Now) is { } kept) return new(kept);
            // On a thread of the pool, so that nothing of it runs in this lock.
            if (!_flights.TryGetValue(question, out flight)) _flights.Add(question, flight = Task.Run(() => FlyAsync(question), CancellationToken.None));
        }
        return new(flight.WaitAsync(ct));
    }

    /// <summary>Never throws: it belongs to all who wait for it.</summary>
    async Task<DnsAnswer> FlyAsync(DnsQuestion question)
    {
        var begin = Now;
        var result = await GuardedAsync(question).ConfigureAwait(false);
        lock (_lock)
        {
            _flights.Remove(question);
            _cache.Keep(question, result.Answer, Now + result.Life.Ticks);
        }
        DnsLog.Answered(_log, question.Type, question.Name, result.Answer.Status, (Now - begin) / TimeSpan.TicksPerMillisecond, result.Answer.Reason ?? "found");
        return result.Answer;
    }

    async Task<KeptAnswer> GuardedAsync(DnsQuestion question)
    {
        using var budget = new CancellationTokenSource(_options.Budget, _time);
        try
        {
            await _places.WaitAsync(budget.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Temporary(question, "too many questions wait for an answer");
        }
        try
        {
            return await new Chain(question, _servers, _options, _time, _log).FollowAsync(budget.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            DnsLog.Fault(_log, e, question.Type, question.Name);
            return Temporary(question, "a fault in the resolver; the log has more");
        }
        finally
        {
            _places.Release();
        }
    }

    KeptAnswer Temporary(DnsQuestion question, string why) => new(new DnsAnswer(DnsStatus.Temporary, [], question.Name, false, why), _options.TemporaryTtl);
}
