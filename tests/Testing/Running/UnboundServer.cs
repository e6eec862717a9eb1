using System.Net;

namespace Posthorn.Tests.Testing.Running;

/// <summary>Unbound, a validating resolver, on a port of its own on 127.0.0.1. It asks one authoritative server for some zones and knows nothing else.</summary>
public sealed class UnboundServer : IAsyncDisposable
{
    readonly DaemonProcess _process;
    readonly DirectoryInfo _home;

    UnboundServer(DaemonProcess process, DirectoryInfo home, int port) => (_process, _home, EndPoint) = (process, home, Ports.Loopback(port));

    public IPEndPoint EndPoint { get; }

    /// <summary>What the daemon has said, for failure messages.</summary>
    public string Tail => _process.Tail;

    /// <summary>Why it cannot run here, or null.</summary>
    public static string? Missing => Tool.Missing("unbound");

    /// <param name="authority">Where the zones are.</param>
    /// <param name="anchors">DNSKEY records, as in a zone file, under which zones must be signed.</param>
    public static async Task<UnboundServer> StartAsync(IPEndPoint authority, IEnumerable<string> zones, IEnumerable<string> anchors, CancellationToken ct)
    {
        var home = Directory.CreateTempSubdirectory("posthorn-unbound-");
        var port = Ports.FreeUdpAndTcp();
        var config = $"server:\n  interface: 127.0.0.1\n  port: {port}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{home.FullName}\"\n  pidfile: \"{home.FullName}/unbound.pid\"\n" +
                     "  do-daemonize: no\n  use-syslog: no\n  num-threads: 1\n  outgoing-range: 64\n  do-ip6: no\n  do-not-query-localhost: no\n  ede: yes\n  module-config: \"validator iterator\"\n  local-zone: \"test.\" nodefault\n" +
                     string.Concat(anchors.Select(a => $"  trust-anchor: \"{a}\"\n")) +
                     "remote-control:\n  control-enable: no\n" +
                     string.Concat(zones.Select(z => $"stub-zone:\n  name: \"{z}\"\n  stub-addr: {authority.Address}@{authority.Port}\n"));
        var file = Path.Combine(home.FullName, "unbound.conf");
        await File.WriteAllTextAsync(file, config, ct);
        var process = DaemonProcess.Launch("unbound", ["-d", "-c", file]);
        await process.ListensAsync(port, ct);
        return new UnboundServer(process, home, port);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _home.Delete(recursive: true);
    }
}
