using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Posthorn.Wire.Connections;

namespace Posthorn.Delivery.Outbound;

/// <summary>Sockets of this machine.</summary>
public sealed class Connector : IConnector, IDisposable
{
    /// <summary>How old the picture of the interfaces may be: an address that was just added is found out soon.</summary>
    static readonly TimeSpan PictureAge = TimeSpan.FromMinutes(1);

    readonly TimeProvider _time;
    readonly DeadlineWatch _watch;
    volatile Picture? _picture;

    public Connector(TimeProvider time) => (_time, _watch) = (time, new DeadlineWatch(time));

    public async ValueTask<Connection> ConnectAsync(EndPoint to, CancellationToken ct)
    {
        var socket = to is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(to, ct).ConfigureAwait(false);
            var local = socket.AddressFamily == AddressFamily.Unix ? to : socket.LocalEndPoint!;
            var connection = new Connection(new NetworkStream(socket, ownsSocket: true), to, local, () => socket.Shutdown(SocketShutdown.Receive), _time);
            _watch.Add(connection);
            return connection;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Closed(Connection connection) => _watch.Remove(connection);

    public bool IsOwn(IPAddress address)
    {
        var now = _time.GetTimestamp();
        if (_picture is not { } picture || _time.GetElapsedTime(picture.Taken, now) > PictureAge) _picture = picture = new Picture(now, Interfaces());
        return picture.Addresses.Contains(address);
    }

    static HashSet<IPAddress> Interfaces()
    {
        var addresses = new HashSet<IPAddress>();
        try
        {
            foreach (var card in NetworkInterface.GetAllNetworkInterfaces())
                foreach (var address in card.GetIPProperties().UnicastAddresses)
                    addresses.Add(WithoutScope(address.Address));
        }
        catch (NetworkInformationException) { } // a sandbox may hide them; OwnNetworks is left
        return addresses;
    }

    static IPAddress WithoutScope(IPAddress address) => address is { IsIPv6LinkLocal: true } ? new IPAddress(address.GetAddressBytes()) : address;

    public void Dispose() => _watch.Dispose();

    sealed record Picture(long Taken, HashSet<IPAddress> Addresses);
}
