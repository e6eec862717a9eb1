using System.Net;
using System.Text.Json.Nodes;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>One server of ours, host and domain here.test, with the peers that can be had beside it, and a sink behind them.</summary>
/// <param name="peerSize">The largest message the peers take, in octets.</param>
/// <param name="ownSize">The largest message we take, in octets.</param>
public abstract class PeersFixture(string[] names, int peerSize, int ownSize) : IAsyncLifetime
{
    readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("posthorn-peers-");
    readonly Dictionary<string, Peer> _peers = [];

    /// <summary>Where the peers send the mail for their own domains.</summary>
    public RecordingSink Sink { get; } = new();

    public MailHost Host { get; private set; } = null!;

    /// <summary>The accounts of ours: one for each peer, so that no test reads another's mail.</summary>
    public static string User(string peer) => peer + "@here.test";

    public async ValueTask InitializeAsync()
    {
        var ct = CancellationToken.None;
        Host = new MailHost(Path.Combine(_scratch.FullName, "here"), "here.test", Addresses.Own(), Ports.FreeUdpAndTcp());
        Host.Sections["limits"] = new JsonObject { ["messageSize"] = ownSize };
        Host.Sections["relay"] = new JsonObject { ["trustedNetworks"] = new JsonArray("127.0.0.0/8") };
        await Host.CreateAsync(null, names.Select(User), ct);
        await Host.StartAsync(ct);
        var plan = new PeerPlan(Sink.Port, Host.Smtp, peerSize);
        foreach (var peer in await Task.WhenAll(names.Where(n => Peer.Missing(n) is null).Select(n => Peer.StartAsync(n, plan, ct))))
        {
            _peers[peer.Name] = peer;
            await Host.VerbAsync(["route", "add", peer.Domain, $"smtp:127.0.0.1:{peer.Port}"], ct);
        }
    }

    /// <summary>The peer of that name; the test is skipped when it cannot be had here.</summary>
    public Peer Take(string name)
    {
        Assert.SkipWhen(Peer.Missing(name) is not null, Peer.Missing(name) ?? "");
        return _peers[name];
    }

    /// <summary>Waits until the account of this peer has such a message.</summary>
    public async Task<ReadMessage> MailAsync(string name, Predicate<ReadMessage> fits)
    {
        var ct = TestContext.Current.CancellationToken;
        for (var waited = 0; ; waited += 100)
        {
            var all = new List<ReadMessage>();
            await using (var reader = await Pop3Reader.LoginAsync(Host.Pop3, User(name), MailHost.Password, ct))
            {
                await foreach (var message in reader.AllAsync(ct)) all.Add(message);
                await reader.QuitAsync(ct);
            }
            if (all.Find(fits) is { } found) return found;
            if (waited > 30_000) throw new TimeoutException($"no such message in 30 s, only\n{string.Join("\n-----\n", all.Select(m => m.Text[..Math.Min(2000, m.Text.Length)]))}\n{Take(name).Tail}");
            await Task.Delay(100, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values) await peer.DisposeAsync();
        if (Host is not null) await Host.DisposeAsync();
        await Sink.DisposeAsync();
        _scratch.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }
}

/// <summary>Addresses in 127.0.0.0/8 that no other test takes.</summary>
static class Addresses
{
    public static string Own() => new IPAddress([127, (byte)Random.Shared.Next(16, 250), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]).ToString();
}
