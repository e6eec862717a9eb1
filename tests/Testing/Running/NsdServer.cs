using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Posthorn.Tests.Testing.Running;

/// <summary>NSD, an authoritative server, on a port of its own on 127.0.0.1, with zones that the test gives it.</summary>
public sealed class NsdServer : IAsyncDisposable
{
    readonly DaemonProcess _process;
    readonly DirectoryInfo _home;

    NsdServer(DaemonProcess process, DirectoryInfo home, int port) => (_process, _home, EndPoint) = (process, home, Ports.Loopback(port));

    public IPEndPoint EndPoint { get; }

    /// <summary>What the daemon has said, for failure messages.</summary>
    public string Tail => _process.Tail;

    /// <summary>Why it cannot run here, or null.</summary>
    public static string? Missing => Tool.Missing("nsd");

    /// <summary>The head of a zone file: SOA and one name server; records go behind it, one a line.</summary>
    /// <param name="minimum">How long "no such name" may be kept, in seconds.</param>
    public static string Zone(string origin, string records, int minimum = 5) =>
        $"$ORIGIN {origin}.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 {minimum}\n@ IN NS ns\nns IN A 127.0.0.1\n{records}\n";

    /// <summary>Starts it and waits until it takes questions. A zone file is text as <see cref="Zone"/> makes it.</summary>
    public static async Task<NsdServer> StartAsync(IReadOnlyDictionary<string, string> zones, CancellationToken ct)
    {
        var home = Directory.CreateTempSubdirectory("posthorn-nsd-");
        var port = Ports.FreeUdpAndTcp();
        var config = $"server:\n  ip-address: 127.0.0.1@{port}\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{home.FullName}\"\n  pidfile: \"{home.FullName}/nsd.pid\"\n" +
                     $"  database: \"\"\n  xfrdfile: \"{home.FullName}/xfrd.state\"\n  zonelistfile: \"{home.FullName}/zone.list\"\n  xfrdir: \"{home.FullName}\"\n  server-count: 1\n  rrl-ratelimit: 0\n  verbosity: 1\n" +
                     "remote-control:\n  control-enable: no\n";
        foreach (var (origin, text) in zones)
        {
            await File.WriteAllTextAsync(Path.Combine(home.FullName, origin + ".zone"), text, ct);
            config += $"zone:\n  name: \"{origin}\"\n  zonefile: \"{origin}.zone\"\n";
        }
        var file = Path.Combine(home.FullName, "nsd.conf");
        await File.WriteAllTextAsync(file, config, ct);
        var process = DaemonProcess.Launch("nsd", ["-d", "-c", file]);
        await process.ListensAsync(port, ct);
        return new NsdServer(process, home, port);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _home.Delete(recursive: true);
    }
}
