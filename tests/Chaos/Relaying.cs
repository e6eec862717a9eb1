using System.Globalization;

namespace Posthorn.Tests.Chaos;

/// <summary>Promises 3 and 20 for mail on its way out: never lost; twice only when the peer had it and the answer was not seen.</summary>
public sealed class Relaying
{
    const int Feeders = 8;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    [Fact]
    public async Task Kill_9_with_deliveries_in_flight_loses_nothing()
    {
        var kills = Setting("CHAOS_KILLS", 20);
        var random = new Random(Setting("CHAOS_SEED", Environment.ProcessId));
        await using var rig = new RelayRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        for (var round = 1; round <= kills; round++)
        {
            using var stop = new CancellationTokenSource();
            var feeders = Enumerable.Range(0, Feeders).Select(_ => rig.FeedAsync(stop.Token)).ToArray();
            await Task.Delay(400 + random.Next(800), Ct);
            await rig.Server!.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(feeders);
            await rig.StartAsync(Ct);
        }
        await rig.DrainAsync(Ct);
        Assert.True(rig.Acked.Count > kills * 20, $"only {rig.Acked.Count} messages were acknowledged: no load to speak of\n{rig.Server!.Tail}");
        var copies = await rig.JudgeAsync(kills, Ct);
        await rig.VerifyStoreAsync(Ct);
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills, {rig.Acked.Count} acknowledged: lost 0, doubled {copies}");
    }

    [Fact]
    public async Task Sigterm_with_deliveries_in_flight_loses_and_doubles_nothing()
    {
        var rounds = Setting("CHAOS_TERMS", 10);
        await using var rig = new RelayRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        for (var round = 1; round <= rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            var feeders = Enumerable.Range(0, Feeders).Select(_ => rig.FeedAsync(stop.Token)).ToArray();
            await Task.Delay(600, Ct);
            rig.Server!.Terminate();
            var exit = await rig.Server.ExitAsync(TimeSpan.FromSeconds(30));
            Assert.True(exit == 0, $"round {round}: exit code {exit?.ToString(CultureInfo.InvariantCulture) ?? "none after 30 s"}\n{rig.Server.Tail}");
            await stop.CancelAsync();
            await Task.WhenAll(feeders);
            await rig.StartAsync(Ct);
        }
        await rig.DrainAsync(Ct);
        Assert.True(rig.Acked.Count > rounds * 20, "no load to speak of");
        await rig.JudgeAsync(0, Ct);
    }
}
