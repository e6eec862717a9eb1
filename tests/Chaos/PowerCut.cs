using System.Globalization;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>Promise 4: a power cut loses nothing that was acknowledged, and a failed sync is never acknowledged.</summary>
public sealed class PowerCut
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Power_cut_in_mid_load_loses_nothing()
    {
        var cuts = int.TryParse(Environment.GetEnvironmentVariable("CHAOS_CUTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var set) ? set : 3;
        await using var disk = await LoopDisk.CreateAsync(512, Ct);
        await using var rig = new ChaosRig(Path.Combine(disk.Path, "data"));
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        var random = new Random();
        for (var cut = 1; cut <= cuts; cut++)
        {
            var load = new Load(rig);
            await Task.Delay(300 + random.Next(1200), Ct);
            Native.CutPower(disk.Path);
            // Anything it acknowledges from here on is a lie that the judge will find.
            await Task.Delay(50, Ct);
            await rig.Server!.KillAsync();
            await load.StopAsync();
            await disk.RemountAsync(Ct);
            await rig.StartAsync(Ct);
            await rig.JudgeAsync($"power cut {cut}", Ct);
            await rig.VerifyStoreAsync(Ct);
        }
        Assert.True(rig.Ledger.Acked.Count > cuts * 10, "no load to speak of");
        await rig.Server!.KillAsync();
    }

    [Fact]
    public async Task Fsync_failure_is_never_acknowledged_and_ends_the_process()
    {
        Assert.SkipWhen(Tool.Missing("strace") is not null, Tool.Missing("strace") ?? "");
        await using var rig = new ChaosRig();
        await rig.CreateAsync(Ct);
        var server = await rig.StartAsync(Ct);
        var load = new Load(rig, popper: false);
        await Task.Delay(700, Ct);
        var trace = Path.Combine(Path.GetDirectoryName(rig.Installation.ConfigFile)!, "trace");
        // The count is per thread; the program's writer is one.
        var strace = Tool.RunAsync("strace", ["-f", "-q", "-ttt", "-o", trace, "-e", "trace=fsync,fdatasync,sync_file_range,exit_group",
            "-e", "inject=fsync,fdatasync:error=EIO:when=20+", "-p", $"{server.Pid}"], Ct, seconds: 40);
        var exit = await server.ExitAsync(TimeSpan.FromSeconds(25));
        if (exit is null) await server.KillAsync();
        var traced = await strace;
        await load.StopAsync();
        var lines = File.Exists(trace) ? await File.ReadAllLinesAsync(trace, Ct) : [];
        Assert.SkipWhen(lines.Length == 0 && exit is null, "strace cannot attach here: " + traced.Errors);
        var failed = lines.FirstOrDefault(l => l.Contains("(INJECTED)", StringComparison.Ordinal));
        Assert.True(failed is not null, "no sync was made to fail: does the server sync at all?\n" + traced.Told + string.Join('\n', lines.TakeLast(20)));
        var first = At(failed);
        Assert.True(exit == 74, $"exit code {exit?.ToString(CultureInfo.InvariantCulture) ?? "none: it went on"} (74 is sysexits' EX_IOERR)\n{server.Tail}");
        var end = At(lines.Last(l => l.Contains("exit_group", StringComparison.Ordinal) || l.Contains("exited with", StringComparison.Ordinal)));
        Assert.True(end - first <= TimeSpan.FromSeconds(10), $"it took {(end - first).TotalSeconds:F1} s to give up");

        // An answer that was on its way when the sync failed belongs to an earlier commit; a busy machine reads it late.
        var late = rig.Ledger.Acked.Where(a => a.Value > first + TimeSpan.FromSeconds(1)).ToList();
        Assert.True(late.Count == 0, $"{late.Count} messages were acknowledged after the first failed sync");
        var answers = rig.Ledger.Refusals.Where(r => r.At > first).Select(r => r.Reply).ToList();
        Assert.All(answers, a => Assert.True(a.StartsWith("451 4.3.0", StringComparison.Ordinal) || a.StartsWith("421 4.3.", StringComparison.Ordinal), a));
        Assert.NotEmpty(answers);

        await rig.StartAsync(Ct);
        await rig.JudgeAsync("after failed syncs", Ct);
        Assert.StartsWith("250 ", await rig.SendOneAsync(Ct));
        await rig.VerifyStoreAsync(Ct);
    }

    static DateTimeOffset At(string line)
    {
        var stamp = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).First(w => w.Contains('.'));
        return DateTimeOffset.UnixEpoch.AddSeconds(double.Parse(stamp, CultureInfo.InvariantCulture));
    }
}
