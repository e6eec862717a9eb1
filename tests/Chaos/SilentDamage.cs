using System.Text;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>Promise 6: what the disk altered is found and named, is never served, and harms nothing else.</summary>
public sealed class SilentDamage
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flipped_octets_are_named_and_never_served()
    {
        await using var rig = new ChaosRig();
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        var load = new Load(rig, popper: false, half: 0);
        await load.UntilAsync(300, Ct);
        await load.StopAsync();
        rig.Server!.Terminate();
        Assert.Equal(0, await rig.Server.ExitAsync(TimeSpan.FromSeconds(30)));
        await rig.VerifyStoreAsync(Ct);

        const int flips = 20;
        Flip(Path.Combine(rig.Installation.Data, "blobs"), flips);
        var found = await ServerProcess.RunVerbAsync(["store", "verify", "--config", rig.Installation.ConfigFile, "--json"], Ct, seconds: 60);
        Assert.True(found.ExitCode > 0, found.Told);

        await rig.StartAsync(Ct);
        var (whole, refused) = (0, 0);
        foreach (var user in ChaosRig.Users)
        {
            await using var pop3 = await LineClient.ConnectAsync(Ports.Loopback(rig.Installation.Pop3), Ct);
            await pop3.LineAsync(Ct);
            foreach (var command in new[] { $"USER {user}@example.test", $"PASS {Installation.Password}", "STAT" }) await pop3.SendAsync(command, Ct);
            await pop3.LineAsync(Ct);
            await pop3.LineAsync(Ct);
            var count = int.Parse((await pop3.LineAsync(Ct))!.Split(' ')[1]);
            for (var number = 1; number <= count; number++)
            {
                await pop3.SendAsync($"RETR {number}", Ct);
                var answer = await pop3.LineAsync(Ct) ?? throw new IOException("the server hung up at a damaged message\n" + rig.Server.Tail);
                if (answer.StartsWith("-ERR", StringComparison.Ordinal))
                {
                    refused++;
                    continue;
                }
                var (id, fault) = ChaosMessage.Check(await pop3.DotBlockAsync(Ct));
                Assert.True(fault is null, $"{user}: {id} was served {fault}");
                whole++;
            }
        }
        Assert.True(refused is > 0 and <= flips * 2, $"{refused} messages refused for {flips} flipped octets");
        Assert.Equal(rig.Ledger.Acked.Count, whole + refused);
        Assert.StartsWith("250 ", await rig.SendOneAsync(Ct));
    }

    /// <summary>Changes one bit in each of some places that lie inside the text of a body.</summary>
    static void Flip(string directory, int places)
    {
        var random = new Random(7);
        var files = new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Where(f => f.Length > 0).ToList();
        for (var done = 0; done < places;)
        {
            var path = files[random.Next(files.Count)].FullName;
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
            file.Position = random.NextInt64(file.Length);
            var window = new byte[32];
            var read = file.Read(window);
            // Lower-case letters are the body's; a hit elsewhere (framing, header names) is as good a test but not so sure to matter.
            if (read < window.Length || Encoding.Latin1.GetString(window).Any(c => c is not (>= 'a' and <= 'z'))) continue;
            file.Position -= read;
            file.WriteByte((byte)(window[0] ^ 1));
            done++;
        }
    }
}
