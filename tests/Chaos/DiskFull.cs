using System.Diagnostics;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>Promise 5: a full disk is a temporary error and heals itself.</summary>
public sealed class DiskFull
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Disk_filled_from_outside()
    {
        await using var disk = await LoopDisk.CreateAsync(320, Ct);
        await using var rig = new ChaosRig(Path.Combine(disk.Path, "data"));
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        var load = new Load(rig, popper: false);
        await load.UntilAsync(100, Ct);

        // Under the floor: new mail is put off at MAIL.
        await disk.FillAsync(leave: 24L << 20, Ct);
        await RefusedAsync(rig);
        // Nothing left at all.
        await disk.FillAsync(leave: 0, Ct);
        Assert.StartsWith("452 4.3.1", await rig.SendOneAsync(Ct));
        await ReadAndDeleteAsync(rig);

        disk.Empty();
        await AcceptedAgainAsync(rig);
        await load.StopAsync();
        Assert.All(rig.Ledger.Refusals, r => Assert.StartsWith("452 4.3.1", r.Reply));
        await rig.JudgeAsync("disk filled from outside", Ct);
        await rig.VerifyStoreAsync(Ct);
        await rig.Server!.KillAsync();
    }

    [Fact]
    public async Task Disk_filled_by_mail()
    {
        await using var disk = await LoopDisk.CreateAsync(160, Ct);
        await using var rig = new ChaosRig(Path.Combine(disk.Path, "data"));
        rig.Installation.Sections["store"] = new JsonObject { ["minimumFree"] = 0 };
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        await disk.FillAsync(leave: 24L << 20, Ct);
        var load = new Load(rig, popper: false, pause: 5, largest: 400_000);
        await RefusedAsync(rig, seconds: 30);
        await ReadAndDeleteAsync(rig);
        disk.Empty();
        await AcceptedAgainAsync(rig);
        await load.StopAsync();
        Assert.All(rig.Ledger.Refusals, r => Assert.StartsWith("452 4.3.1", r.Reply));
        await rig.JudgeAsync("disk filled by mail", Ct);
        await rig.VerifyStoreAsync(Ct);
        await rig.Server!.KillAsync();
    }

    static async Task RefusedAsync(ChaosRig rig, int seconds = 10)
    {
        var clock = Stopwatch.StartNew();
        string reply;
        do reply = await rig.SendOneAsync(Ct);
        while (reply.StartsWith("250 ", StringComparison.Ordinal) && clock.Elapsed < TimeSpan.FromSeconds(seconds));
        Assert.StartsWith("452 4.3.1", reply);
    }

    static async Task AcceptedAgainAsync(ChaosRig rig)
    {
        var clock = Stopwatch.StartNew();
        string reply;
        do
        {
            reply = await rig.SendOneAsync(Ct);
            if (reply.StartsWith('4')) await Task.Delay(100, Ct);
        }
        while (reply.StartsWith('4') && clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.True(reply.StartsWith("250 ", StringComparison.Ordinal), $"30 s after space came back: {reply}\n{rig.Server!.Tail}");
    }

    /// <summary>Mail can be read and deleted although nothing can be written that needs new space.</summary>
    static async Task ReadAndDeleteAsync(ChaosRig rig)
    {
        var user = ChaosRig.Users[2];
        await using var reader = await Pop3Reader.LoginAsync(rig.Installation.Pop3, user + "@example.test", Installation.Password, Ct);
        var read = new List<(int Number, string Id)>();
        await foreach (var message in reader.AllAsync(Ct))
        {
            var (id, fault) = ChaosMessage.Check(message.Octets);
            Assert.True(fault is null, $"{id}: {fault}");
            read.Add((message.Number, id!));
        }
        Assert.NotEmpty(read);
        var gone = read.Where(r => r.Number % 2 == 0).ToList();
        await reader.DeleteAsync([.. gone.Select(g => g.Number)], Ct);
        await reader.QuitAsync(Ct);
        foreach (var (_, id) in gone) rig.Ledger.Take(user, id);
    }
}
