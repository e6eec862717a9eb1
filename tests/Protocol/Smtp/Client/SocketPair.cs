using System.Net;
using System.Net.Sockets;
using Posthorn.Wire.Connections;

namespace Posthorn.Tests.Protocol.Smtp.Client;

/// <summary>Two ends of one connection over loopback, as the kernel makes it.</summary>
sealed class SocketPair : IAsyncDisposable
{
    readonly Socket _far;

    SocketPair(Socket near, Socket far, TimeProvider time)
    {
        (_far, Far) = (far, new NetworkStream(far, ownsSocket: true));
        Near = new Connection(new NetworkStream(near, ownsSocket: true), near.RemoteEndPoint!, near.LocalEndPoint!, () => near.Shutdown(SocketShutdown.Receive), time);
    }

    /// <summary>Our client's end.</summary>
    public Connection Near { get; }

    /// <summary>The other end, played by the test.</summary>
    public NetworkStream Far { get; }

    /// <summary>The other end for a server of ours; instead of <see cref="Far"/>.</summary>
    public Connection FarConnection(TimeProvider time) =>
        new(Far, _far.RemoteEndPoint!, _far.LocalEndPoint!, () => _far.Shutdown(SocketShutdown.Receive), time);

    public static async Task<SocketPair> ConnectAsync(TimeProvider? time = null)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(1);
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await near.ConnectAsync(listener.LocalEndpoint);
        return new SocketPair(near, await listener.AcceptSocketAsync(), time ?? TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        Near.Abort();
        await Near.DisposeAsync();
        await Far.DisposeAsync();
    }
}
