using Posthorn.Wire.Connections;

namespace Posthorn.Smtp.Client;

/// <summary>A session with another server, from its greeting on. Not thread-safe: one transaction at a time.</summary>
public sealed class SmtpClientSession : IAsyncDisposable
{
    SmtpClientSession(SmtpPeer peer) => Peer = peer;

    public SmtpPeer Peer { get; }

    /// <summary>
    /// Greeting, EHLO (or HELO), STARTTLS and EHLO again, login. Exactly one of the two results is set; the connection is the
    /// session's, or closed. Throws only for cancellation.
    /// </summary>
    /// <param name="connection">Fresh from connecting; with implicit TLS still in clear.</param>
    public static ValueTask<(SmtpClientSession? Session, SmtpFailure? Failure)> OpenAsync(Connection connection, SmtpClientSettings settings, CancellationToken ct) => throw new NotImplementedException();

    /// <summary>Makes one transaction. Cancellation before the final dot breaks it off; after it the answer is waited for.</summary>
    public ValueTask<SmtpOutcome> SendAsync(SmtpOutgoing message, CancellationToken ct) => throw new NotImplementedException();

    /// <summary>False when the peer has closed or spoken out of turn since the last transaction: a reused session is asked before it is used.</summary>
    public bool IsAlive() => throw new NotImplementedException();

    /// <summary>QUIT without waiting for long, then closes.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
