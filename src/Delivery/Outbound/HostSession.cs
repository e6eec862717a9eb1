using System.Net;
using Posthorn.Smtp.Client;
using Posthorn.Wire.Connections;

namespace Posthorn.Delivery.Outbound;

/// <summary>Which sessions may stand for each other.</summary>
readonly record struct SessionKey(EndPoint Address, string? TlsName, Manner Manner);

/// <summary>An open session with one host, used by one delivery at a time.</summary>
sealed class HostSession(SessionKey key, SmtpClientSession session, Connection connection, string relay, IConnector connector) : IAsyncDisposable
{
    /// <summary>Messages that one session carries: a peer behind a load balancer gets the others a chance.</summary>
    internal const int MostMessages = 100;

    internal SessionKey Key => key;
    internal SmtpClientSession Session => session;
    internal string Relay => relay;

    /// <summary>Transactions so far.</summary>
    internal int Used { get; set; }

    /// <summary>When it was put by, as a timestamp.</summary>
    internal long IdleSince { get; set; }

    public async ValueTask DisposeAsync()
    {
        await session.DisposeAsync().ConfigureAwait(false);
        connector.Closed(connection);
    }
}
