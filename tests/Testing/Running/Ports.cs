using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Posthorn.Tests.Testing.Running;

/// <summary>Port bases for servers of a test run: below the range the kernel gives to clients.</summary>
public static class Ports
{
    static readonly int[] Standard = [25, 587, 465, 110, 995, 143, 993, 80, 443];
    static int s_next = 11_000 + Environment.ProcessId * 7 % 18 * 1000;

    /// <summary>A base whose standard ports (base + 25 and so on) are all free now. Never gives the same one twice.</summary>
    public static int FreeBase()
    {
        for (var tries = 0; tries < 40; tries++)
        {
            var candidate = 11_000 + (Interlocked.Add(ref s_next, 1000) - 11_000) % 20_000;
            var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(e => e.Port).ToHashSet();
            if (!Standard.Any(p => taken.Contains(candidate + p))) return candidate;
        }
        throw new InvalidOperationException("no free port base");
    }

    /// <summary>A port that the kernel has just had free on 127.0.0.1, for UDP and TCP.</summary>
    public static int FreeUdpAndTcp()
    {
        for (var tries = 0; tries < 40; tries++)
        {
            using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(Loopback(0));
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try { udp.Bind(tcp.LocalEndPoint!); }
            catch (SocketException) { continue; }
            return ((IPEndPoint)tcp.LocalEndPoint!).Port;
        }
        throw new InvalidOperationException("no free port");
    }

    public static IPEndPoint Loopback(int port) => new(IPAddress.Loopback, port);
}
