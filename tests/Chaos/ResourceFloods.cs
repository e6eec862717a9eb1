using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>The threat table's row "Resource floods", and promise 23: no client, and no number of them, takes the server from the others.</summary>
public sealed class ResourceFloods
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static async Task<ChaosRig> StartAsync(JsonObject limits, IEnumerable<string>? wrapper = null)
    {
        var rig = new ChaosRig(trustLoopback: false);
        rig.Installation.Sections["limits"] = limits;
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct, wrapper);
        return rig;
    }

    static async Task<(LineClient Client, string? Greeting)> ConnectAsync(ChaosRig rig, string from, int? port = null)
    {
        var client = await LineClient.ConnectAsync(Ports.Loopback(port ?? rig.Installation.Smtp), Ct, IPAddress.Parse(from));
        return (client, await client.ReplyAsync(Ct));
    }

    static async Task<List<LineClient>> FillAsync(ChaosRig rig, string from, int count)
    {
        var held = new List<LineClient>();
        for (var i = 0; i < count; i++)
        {
            var (client, greeting) = await ConnectAsync(rig, from);
            Assert.True(greeting?.StartsWith("220 ", StringComparison.Ordinal) == true, $"connection {i + 1} of {count} from {from}: {greeting}\n{rig.Server!.Tail}");
            held.Add(client);
        }
        return held;
    }

    static async Task GreetedAsync(ChaosRig rig, string from)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var (client, greeting) = await ConnectAsync(rig, from);
            await client.DisposeAsync();
            if (greeting?.StartsWith("220 ", StringComparison.Ordinal) == true) return;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"from {from}: {greeting}");
            await Task.Delay(50, Ct);
        }
    }

    static async Task RefusedAsync(ChaosRig rig, string from, string reply)
    {
        var (client, greeting) = await ConnectAsync(rig, from);
        await using (client)
        {
            Assert.True(greeting?.StartsWith(reply, StringComparison.Ordinal) == true, $"from {from}: expected {reply}, got {greeting ?? "a closed connection"}");
            Assert.Null(await client.LineAsync(Ct));
        }
    }

    static async Task DropAsync(IEnumerable<LineClient> clients)
    {
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Fact]
    public async Task Resource_floods_connections_from_one_address_and_one_network()
    {
        await using var rig = await StartAsync(new JsonObject { ["connectionsPerAddress"] = 30, ["connectionsPerNetwork"] = 90 });
        var one = await FillAsync(rig, "127.0.3.1", 30);
        await RefusedAsync(rig, "127.0.3.1", "421 4.7.0 ");
        var others = await FillAsync(rig, "127.0.3.2", 30);
        others.AddRange(await FillAsync(rig, "127.0.3.3", 30));
        // 127.0.3.0/26 is full; the next one is not.
        await RefusedAsync(rig, "127.0.3.4", "421 4.7.0 ");
        await GreetedAsync(rig, "127.0.3.64");
        await DropAsync(one);
        await GreetedAsync(rig, "127.0.3.1");
        await DropAsync(others);
    }

    [Fact]
    public async Task Resource_floods_connections_in_all()
    {
        await using var rig = await StartAsync(new JsonObject { ["connections"] = 20 });
        var held = await FillAsync(rig, "127.0.4.1", 10);
        held.AddRange(await FillAsync(rig, "127.0.5.1", 10));
        await RefusedAsync(rig, "127.0.6.1", "421 4.");
        await DropAsync(held);
        await GreetedAsync(rig, "127.0.6.1");
    }

    [Fact]
    public async Task Resource_floods_connections_in_a_minute()
    {
        await using var rig = await StartAsync(new JsonObject { ["connectionRate"] = 40 });
        // The minute may turn on the way, once: then it is up to twice as many.
        var greeted = 0;
        string? greeting;
        while (true)
        {
            (var client, greeting) = await ConnectAsync(rig, "127.0.7.1");
            await client.DisposeAsync();
            if (greeting?.StartsWith("220 ", StringComparison.Ordinal) != true || ++greeted > 80) break;
        }
        Assert.True(greeted is >= 40 and <= 80 && greeting?.StartsWith("421 4.7.0 ", StringComparison.Ordinal) == true, $"after {greeted}: {greeting}");
        await GreetedAsync(rig, "127.0.8.1");
    }

    [Fact]
    public async Task Resource_floods_descriptors_run_out()
    {
        Assert.SkipWhen(Tool.Missing("prlimit") is not null, Tool.Missing("prlimit") ?? "");
        var limits = new JsonObject { ["connections"] = 100_000, ["connectionsPerAddress"] = 10_000, ["connectionsPerNetwork"] = 10_000, ["connectionRate"] = 100_000 };
        await using var rig = await StartAsync(limits, ["prlimit", "--nofile=256:256"]);
        Assert.StartsWith("250 ", await rig.SendOneAsync(Ct));
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 1000; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                sockets.Add(socket);
                try
                {
                    socket.Connect(Ports.Loopback(rig.Installation.Smtp));
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    // On its way.
                }
            }
            await Task.Delay(500, Ct);
            Assert.False(rig.Server!.HasExited, "the server ended\n" + rig.Server.Tail);
            var before = rig.Server.CpuTime;
            var watch = Stopwatch.StartNew();
            await Task.Delay(3000, Ct);
            Assert.False(rig.Server.HasExited, "the server ended\n" + rig.Server.Tail);
            var used = (rig.Server.CpuTime - before).TotalSeconds / watch.Elapsed.TotalSeconds;
            Assert.True(used < 0.4, $"the server took {used:P0} of a CPU while it could accept nothing");
            Assert.Contains(sockets, s => s.Connected);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
        var clock = Stopwatch.StartNew();
        string reply;
        do
        {
            try
            {
                reply = await rig.SendOneAsync(Ct);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                reply = e.Message;
                await Task.Delay(50, Ct);
            }
        }
        while (!reply.StartsWith("250 ", StringComparison.Ordinal) && clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.True(reply.StartsWith("250 ", StringComparison.Ordinal), $"no mail {clock.Elapsed.TotalSeconds:F1} s after the flood ended: {reply}\n{rig.Server!.Tail}");
        await rig.JudgeAsync("after the flood", Ct);
    }

    [Fact]
    public async Task Resource_floods_nobody_is_lost_after_descriptors_ran_out()
    {
        Assert.SkipWhen(Tool.Missing("prlimit") is not null, Tool.Missing("prlimit") ?? "");
        var limits = new JsonObject { ["connections"] = 100_000, ["connectionsPerAddress"] = 10_000, ["connectionsPerNetwork"] = 10_000, ["connectionRate"] = 100_000 };
        await using var rig = await StartAsync(limits, ["prlimit", "--nofile=300:300"]);
        var held = new List<LineClient>();
        while (true)
        {
            // Until one is sent away: then the last descriptor is taken and nobody waits.
            var (client, greeting) = await ConnectAsync(rig, "127.0.10.1");
            held.Add(client);
            if (greeting?.StartsWith("220 ", StringComparison.Ordinal) != true) break;
            Assert.True(held.Count < 300, "the limit was not reached");
        }
        await Task.Delay(2000, Ct);
        await DropAsync(held);
        var clock = Stopwatch.StartNew();
        while (Directory.GetFileSystemEntries($"/proc/{rig.Server!.Pid}/fd").Length > 200)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), "the server keeps what its clients have left");
            await Task.Delay(50, Ct);
        }
        // Everyone who comes now is greeted.
        await DropAsync(await FillAsync(rig, "127.0.10.2", 40));
    }

    [Fact]
    public async Task Resource_floods_slow_clients_disturb_nobody()
    {
        // 500 clients that send an octet now and then, and one that wants to send mail.
        var limits = new JsonObject { ["connectionsPerAddress"] = 1000, ["connectionsPerNetwork"] = 1000, ["connectionRate"] = 100_000 };
        await using var rig = await StartAsync(limits);
        var slow = await FillAsync(rig, "127.0.9.1", 500);
        var memory = rig.Server!.Resident;
        for (var round = 0; round < 3; round++)
        {
            foreach (var client in slow) await client.WriteAsync("E"u8.ToArray(), Ct);
            Assert.StartsWith("250 ", await rig.SendOneAsync(Ct));
        }
        var growth = rig.Server.Resident - memory;
        Assert.True(growth < 64 << 20, $"{growth >> 20} MB more for 500 slow clients");
        await DropAsync(slow);
        await rig.JudgeAsync("after slow clients", Ct);
    }
}
