using System.Net.Sockets;
using System.Text;

namespace Posthorn.Serving;

/// <summary>Tells the service manager how we are (sd_notify); silent when nobody asked.</summary>
sealed class Supervisor(string? notifySocket)
{
    public static Supervisor FromEnvironment() => new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

    /// <summary>READY=1, STOPPING=1, RELOADING=1 …</summary>
    public void Tell(string state)
    {
        if (notifySocket is not { Length: > 1 } path) return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // "@" stands for the zero octet of an abstract name.
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (Exception e) when (e is SocketException or ArgumentException) { }
    }
}
