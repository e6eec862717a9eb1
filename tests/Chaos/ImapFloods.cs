using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Chaos;

/// <summary>The threat table's rows of IMAP: a thousand hostile connections cost what the limits say.</summary>
public sealed class ImapFloods
{
    const int Connections = 1000;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static async Task<(ChaosRig Rig, int Port)> StartAsync()
    {
        var rig = new ChaosRig(trustLoopback: false);
        rig.Installation.Sections["limits"] = new JsonObject { ["connections"] = 5000, ["connectionsPerAddress"] = 2000, ["connectionsPerNetwork"] = 2000, ["connectionRate"] = 100_000 };
        var port = rig.Installation.Pop3 - 110 + 143;
        rig.Installation.Sections["listeners"] = new JsonArray(Listener("smtp", rig.Installation.Smtp), Listener("pop3", rig.Installation.Pop3), Listener("imap", port));
        await rig.CreateAsync(Ct);
        await rig.StartAsync(Ct);
        return (rig, port);
    }

    static JsonObject Listener(string protocol, int port) => new() { ["protocol"] = protocol, ["address"] = $"127.0.0.1:{port}", ["plaintextLogin"] = "loopback" };

    /// <summary>Strangers that send as much as they may of a command, and never its end.</summary>
    [Fact]
    public async Task IMAP_literals_of_a_thousand_strangers_that_never_end()
    {
        var (rig, port) = await StartAsync();
        await using var _ = rig;
        var four = "{4096+}\r\n" + new string('x', 4096) + " ";
        var most = Encoding.ASCII.GetBytes("a LOGIN " + string.Concat(Enumerable.Repeat(four, 4)) + new string('y', 7000));
        var held = new List<LineClient>();
        // The first clients make the server take what it has anyhow.
        for (var i = 0; i < 50; i++) held.Add(await ConnectAsync(port, most));
        var before = rig.Server!.Resident;
        while (held.Count < 50 + Connections) held.Add(await ConnectAsync(port, most));
        // Others are served; and what was sent before has been read by then.
        await using var one = await LineClient.ConnectAsync(Ports.Loopback(port), Ct);
        Assert.StartsWith("* OK ", await one.LineAsync(Ct));
        await one.SendAsync($"a LOGIN {ChaosRig.Users[0]}@example.test {Installation.Password}", Ct);
        Assert.StartsWith("a OK ", await one.LineAsync(Ct));
        var growth = rig.Server.Resident - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{growth >> 20} MB more for {Connections} strangers");
        Assert.True(growth < 64 << 20, $"{growth >> 20} MB more for {Connections} strangers");
        foreach (var client in held) await client.DisposeAsync();
    }

    static async Task<LineClient> ConnectAsync(int port, byte[] octets)
    {
        var client = await LineClient.ConnectAsync(Ports.Loopback(port), Ct, IPAddress.Loopback);
        Assert.StartsWith("* OK ", await client.LineAsync(Ct));
        await client.WriteAsync(octets, Ct);
        return client;
    }
}
