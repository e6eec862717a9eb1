using System.Diagnostics;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop;

/// <summary>Promise 14: who sends an octet now and then holds a connection for a bounded time only, whatever the octets are.</summary>
public sealed class SlowClients(DemoFixture demo) : IClassFixture<DemoFixture>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Resource_floods_slow_clients_are_cut()
    {
        // Limits of the program: 15 s for a TLS handshake, 60 s to EHLO or to a login; the deadline counts from the start, so trickling does not help.
        var cut = await Task.WhenAll(
            TrickleAsync("pop3s", greeted: false, 40),
            TrickleAsync("submissions", greeted: false, 40),
            TrickleAsync("smtp", greeted: true, 90),
            TrickleAsync("submission", greeted: true, 90),
            TrickleAsync("pop3", greeted: true, 90));
        Assert.All(cut, c => Assert.True(c.After is not null, $"{c.Protocol}: still connected after {c.Limit} s"));
    }

    async Task<(string Protocol, double? After, int Limit)> TrickleAsync(string protocol, bool greeted, int limit)
    {
        var clock = Stopwatch.StartNew();
        await using var client = await LineClient.ConnectAsync(Ports.Loopback(demo.Port(protocol)), Ct);
        if (greeted) Assert.NotNull(await client.LineAsync(Ct));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        over.CancelAfter(TimeSpan.FromSeconds(limit));
        var ended = EndedAsync(client, over.Token);
        try
        {
            while (await Task.WhenAny(ended, Task.Delay(5000, over.Token)) != ended && !over.IsCancellationRequested)
                // 0x16 begins a TLS record; in a command line it is only one more octet.
                await client.WriteAsync("\u0016"u8.ToArray(), over.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Cut, or too late; the clock tells which.
        }
        return (protocol, over.IsCancellationRequested ? null : clock.Elapsed.TotalSeconds, limit);
    }

    static async Task EndedAsync(LineClient client, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                try
                {
                    if (await client.LineAsync(ct) is null) return;
                }
                catch (TimeoutException)
                {
                    // Quiet is what is expected.
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
        }
    }
}
