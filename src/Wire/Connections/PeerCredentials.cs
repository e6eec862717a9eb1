using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posthorn.Wire.Connections;

/// <summary>Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED, unix(7)).</summary>
public static class PeerCredentials
{
    /// <summary>The user id of the process that connected; null for other sockets, or when it cannot be told.</summary>
    public static int? UserOf(Socket socket)
    {
        const int solSocket = 1, soPeerCred = 17;
        if (socket.AddressFamily != AddressFamily.Unix) return null;
        Span<int> credentials = stackalloc int[3]; // struct ucred: pid, uid, gid
        try
        {
            return socket.GetRawSocketOption(solSocket, soPeerCred, MemoryMarshal.AsBytes(credentials)) < 12 ? null : credentials[1];
        }
        catch (SocketException) { return null; }
    }
}
