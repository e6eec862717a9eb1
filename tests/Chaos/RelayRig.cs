using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>A server that sends everything on to a sink, clients that feed it, and the judge of what came through.</summary>
sealed class RelayRig : IAsyncDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("posthorn-relay-").FullName;
    readonly Installation _installation;

    // A message is on its way for tens of milliseconds and for at least one of them the sink has it while the server does not know.
    readonly RecordingSink _sink = new() { RcptDelay = TimeSpan.FromMilliseconds(300), DotDelay = TimeSpan.FromMilliseconds(1) };

    int _serial;

    public RelayRig()
    {
        _installation = new Installation(_directory, Path.Combine(_directory, "data"), Ports.FreeBase());
        _installation.Sections["limits"] = new JsonObject { ["connectionsPerAddress"] = 1000, ["connectionsPerNetwork"] = 1000, ["connectionRate"] = 100_000, ["drain"] = "20 s" };
        _installation.Sections["delivery"] = new JsonObject { ["concurrencyStart"] = 12, ["concurrencyMost"] = 12, ["retryFirst"] = "1 s" };
    }

    public ServerProcess? Server { get; private set; }

    /// <summary>Message id of the 250 reply by our own id, for all that were acknowledged.</summary>
    public ConcurrentDictionary<string, string> Acked { get; } = [];

    public async Task CreateAsync(CancellationToken ct)
    {
        await _installation.CreateAsync([], ct);
        await _installation.VerbAsync(["route", "default", $"smtp:127.0.0.1:{_sink.Port}"], ct);
    }

    public async Task StartAsync(CancellationToken ct)
    {
        if (Server is not null) await Server.DisposeAsync();
        Server = await _installation.StartAsync(ct);
    }

    /// <summary>Sends without pause until stopped or until the server goes away.</summary>
    public async Task FeedAsync(CancellationToken stop)
    {
        try
        {
            await using var client = await LineClient.ConnectAsync(Ports.Loopback(_installation.Smtp), CancellationToken.None);
            await client.ReplyAsync(CancellationToken.None);
            await client.CommandAsync("EHLO load.test", CancellationToken.None);
            var random = new Random(Interlocked.Increment(ref _serial));
            while (!stop.IsCancellationRequested)
            {
                var id = $"r{Interlocked.Increment(ref _serial)}";
                await client.WriteAsync(Encoding.ASCII.GetBytes($"MAIL FROM:<feeder@example.test>\r\nRCPT TO:<{id}@far.test>\r\nDATA\r\n"), CancellationToken.None);
                for (var i = 0; i < 3; i++)
                    if (await client.ReplyAsync(CancellationToken.None) is not ['2' or '3', ..]) return;
                await client.WriteAsync(ChaosMessage.Make(id, "feeder@example.test", random.Next(500, 20_000), random), CancellationToken.None);
                var final = await client.CommandAsync(".", CancellationToken.None);
                if (!final.StartsWith("250 ", StringComparison.Ordinal)) return;
                Acked[id] = final.Split(' ')[^1].Trim();
                await Task.Delay(random.Next(40), CancellationToken.None);
            }
            await client.SendAsync("QUIT", CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The server went away; that is what these tests are about.
        }
    }

    /// <summary>Has everything tried at once until all that was acknowledged has come through.</summary>
    public async Task DrainAsync(CancellationToken ct)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(90);)
        {
            await _installation.VerbAsync(["queue", "flush"], ct);
            await Task.Delay(500, ct);
            var listed = await _installation.VerbAsync(["queue", "list", "--json"], ct);
            var taken = Copies();
            if (Acked.Keys.All(taken.ContainsKey) && JsonNode.Parse(listed.Output)!["recipients"]!.AsArray().Count == 0) return;
        }
    }

    /// <summary>How often each message came through whole.</summary>
    public Dictionary<string, int> Copies()
    {
        var copies = new Dictionary<string, int>();
        foreach (var message in _sink.Taken)
        {
            var (id, fault) = ChaosMessage.Check(message.Octets);
            Assert.True(id is not null && fault is null, $"message {id}: {fault}");
            Assert.Equal([$"{id}@far.test"], message.Recipients);
            copies[id!] = copies.GetValueOrDefault(id!) + 1;
        }
        return copies;
    }

    /// <summary>Nothing acknowledged is lost, nothing is doubled beyond what is allowed, and every copy has its reason in the story.</summary>
    public async Task<int> JudgeAsync(int mostCopies, CancellationToken ct)
    {
        var copies = Copies();
        var lost = Acked.Keys.Where(id => !copies.ContainsKey(id)).ToList();
        Assert.True(lost.Count == 0, $"{lost.Count} of {Acked.Count} acknowledged messages are lost: {string.Join(' ', lost.Take(10).Select(id => Acked[id]))}\n{Server?.Tail}");
        var doubled = copies.Where(c => c.Value > 1 && Acked.ContainsKey(c.Key)).ToList();
        foreach (var (id, count) in doubled)
        {
            var story = await _installation.VerbAsync(["trace", Acked[id], "--json"], ct);
            var reasons = JsonDocument.Parse(story.Output).RootElement.ToString().Split("may arrive twice").Length - 1;
            Assert.True(reasons >= count - 1, $"{Acked[id]} came {count} times, and its story does not say why:\n{story.Output}");
        }
        var extra = doubled.Sum(d => d.Value - 1);
        Assert.True(extra <= mostCopies, $"{extra} copies, at most {mostCopies} are allowed");
        return extra;
    }

    public async Task VerifyStoreAsync(CancellationToken ct) => await _installation.VerbAsync(["store", "verify"], ct);

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        await _sink.DisposeAsync();
        if (TestContext.Current.TestState?.Result != TestResult.Failed) Directory.Delete(_directory, recursive: true);
    }
}
