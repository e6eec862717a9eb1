using System.Globalization;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>Promises 1, 2 and 20: however the process ends, what was acknowledged is there, once.</summary>
public sealed class Stops
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    [Fact]
    public async Task Kill_9_in_mid_load_loses_nothing_and_doubles_nothing()
    {
        var kills = Setting("CHAOS_KILLS", 20);
        var longest = Setting("CHAOS_KILL_MS", 1500);
        var seed = Setting("CHAOS_SEED", Environment.ProcessId);
        TestContext.Current.SendDiagnosticMessage($"CHAOS_SEED={seed}");
        var random = new Random(seed);
        await using var rig = new ChaosRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        for (var round = 1; round <= kills; round++)
        {
            var load = new Load(rig);
            await Task.Delay(random.Next(longest), Ct);
            await rig.Server!.KillAsync();
            await load.StopAsync();
            await rig.StartAsync(Ct);
            await rig.JudgeAsync($"seed {seed}, kill {round}", Ct);
            if (round % 5 == 0) await rig.VerifyStoreAsync(Ct);
        }
        Assert.True(rig.Ledger.Acked.Count > kills * 10, $"only {rig.Ledger.Acked.Count} messages were acknowledged: no load to speak of\n{rig.Server!.Tail}");
        await rig.Server!.KillAsync();
        await rig.VerifyStoreAsync(Ct);
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills, {rig.Ledger.Acked.Count} acknowledged, {rig.Ledger.Unanswered.Count} unanswered, {rig.Ledger.Taken.Count} deleted: lost 0, doubled 0");
    }

    [Fact]
    public async Task Kill_9_right_after_QUIT_was_answered_brings_nothing_back()
    {
        // A kill at any moment hardly ever meets the few milliseconds between a deletion and its commit, so here the answer
        // itself is what kills.
        var rounds = Setting("CHAOS_QUITS", 6);
        var user = ChaosRig.Users[3];
        await using var rig = new ChaosRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        for (var round = 1; round <= rounds; round++)
        {
            for (var i = 0; i < 5; i++) Assert.StartsWith("250 ", await rig.SendOneAsync(Ct));
            // Others keep the writer busy: the deletion has to wait for its turn.
            var load = new Load(rig, half: 0, popper: false, pause: 1);
            await using (var reader = await Pop3Reader.LoginAsync(rig.Installation.Pop3, user + "@example.test", Installation.Password, Ct))
            {
                var read = new List<(int Number, string Id)>();
                await foreach (var message in reader.AllAsync(Ct))
                    if (ChaosMessage.Check(message.Octets) is ({ } id, null)) read.Add((message.Number, id));
                Assert.NotEmpty(read);
                await reader.DeleteAsync([.. read.Select(r => r.Number)], Ct);
                await reader.QuitAsync(Ct);
                await rig.Server!.KillAsync();
                foreach (var (_, id) in read) rig.Ledger.Take(user, id);
            }
            await load.StopAsync();
            await rig.StartAsync(Ct);
            await rig.JudgeAsync($"kill after QUIT {round}", Ct);
        }
        await rig.VerifyStoreAsync(Ct);
    }

    [Fact]
    public async Task Sigterm_drains_every_client_gets_its_answer()
    {
        var rounds = Setting("CHAOS_TERMS", 5);
        await using var rig = new ChaosRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        for (var round = 1; round <= rounds; round++)
        {
            var load = new Load(rig);
            await Task.Delay(200 * round, Ct);
            rig.Server!.Terminate();
            var exit = await rig.Server.ExitAsync(TimeSpan.FromSeconds(30));
            await load.StopAsync();
            Assert.True(exit == 0, $"round {round}: exit code {exit?.ToString(CultureInfo.InvariantCulture) ?? "none after 30 s"}\n{rig.Server.Tail}");
            Assert.True(rig.Ledger.Unanswered.IsEmpty, $"round {round}: {rig.Ledger.Unanswered.Count} clients sent their final dot and got no answer");
            Assert.True(rig.Ledger.PerhapsTaken.IsEmpty, $"round {round}: a POP3 client got no answer to QUIT");
            await rig.StartAsync(Ct);
            await rig.JudgeAsync($"SIGTERM {round}", Ct);
        }
        await rig.VerifyStoreAsync(Ct);
        Assert.True(rig.Ledger.Acked.Count > rounds * 10, "no load to speak of");
    }
}
