using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Posthorn.Dns;
using Posthorn.Tests.Testing.Dns;
using Posthorn.Tests.Testing.Time;

namespace Posthorn.Tests.Unit.Dns;

/// <summary>A resolver, the servers it asks, and its clock, which stands until it is moved.</summary>
sealed class ResolverRig : IAsyncDisposable
{
    readonly TestLog _log = new();

    internal ResolverRig(int servers = 1, Func<DnsResolverOptions, DnsResolverOptions>? options = null, bool realTime = false)
    {
        Servers = [.. Enumerable.Range(0, servers).Select(_ => ScriptedDnsServer.Start(time: Clock))];
        var made = new DnsResolverOptions { Servers = [.. Servers.Select(s => s.EndPoint)] };
        Resolver = new DnsResolver(options?.Invoke(made) ?? made, realTime ? TimeProvider.System : Clock, _log);
    }

    internal FakeTimeProvider Clock { get; } = new();
    internal IReadOnlyList<ScriptedDnsServer> Servers { get; }
    internal ScriptedDnsServer Server => Servers[0];
    internal DnsResolver Resolver { get; }
    internal IEnumerable<string> Logged => _log.Lines;

    static CancellationToken Ct => Xunit.TestContext.Current.CancellationToken;

    /// <summary>A server that closed its port.</summary>
    internal static async Task<IPEndPoint> NobodyAsync()
    {
        await using var server = ScriptedDnsServer.Start();
        return server.EndPoint;
    }

    internal Task<DnsAnswer> AskAsync(string name, DnsType type = DnsType.A) => Resolver.LookupAsync(name, type, Ct).AsTask();

    /// <summary>Waits until the servers have got so many questions.</summary>
    internal Task SeenAsync(int questions) => UntilAsync(() => Servers.Sum(s => s.Seen.Count) >= questions);

    /// <summary>Moves the clock in steps until the answer is there; the time that took.</summary>
    internal async Task<TimeSpan> MoveUntilAsync(Task answer, TimeSpan step)
    {
        var begin = Clock.GetUtcNow();
        while (!answer.IsCompleted && Clock.GetUtcNow() - begin < TimeSpan.FromHours(1))
        {
            // What the step before set off runs first; the answer itself needs no time.
            var settled = Task.Delay(100, Ct);
            if (await Task.WhenAny(answer, settled) == answer) break;
            Clock.Advance(step);
        }
        return Clock.GetUtcNow() - begin;
    }

    internal static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!condition()) await Task.Delay(5, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Servers) await server.DisposeAsync();
    }

    sealed class TestLog : ILogger
    {
        internal ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel > LogLevel.Debug;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{logLevel} {formatter(state, exception)}");
    }
}
