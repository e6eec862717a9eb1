using System.Net;
using Posthorn.Wire.Connections;

namespace Posthorn.Delivery.Outbound;

/// <summary>The network as deliveries see it: connections to others, and which addresses are this machine's. Thread-safe.</summary>
public interface IConnector
{
    /// <summary>Connects, in clear and without a word. Throws <see cref="System.Net.Sockets.SocketException"/> when that fails; the caller bounds the time by <paramref name="ct"/>.</summary>
    ValueTask<Connection> ConnectAsync(EndPoint to, CancellationToken ct);

    /// <summary>A connection that came from here is closed; its deadlines are no longer looked at.</summary>
    void Closed(Connection connection);

    /// <summary>True for an address of one of this machine's interfaces.</summary>
    bool IsOwn(IPAddress address);
}
