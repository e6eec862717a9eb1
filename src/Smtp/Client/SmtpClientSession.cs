using Posthorn.Wire.Connections;

namespace Posthorn.Smtp.Client;

/// <summary>A session with another server, from its greeting on. Not thread-safe: one transaction at a time.</summary>
/// <remarks>
/// Time-outs are deadlines of the <see cref="Connection"/>: they pass only while a <see cref="DeadlineWatch"/> has it.
/// </remarks>
public sealed class SmtpClientSession : IAsyncDisposable
{
    readonly ClientWire _wire;
    readonly bool _lmtp;

    SmtpClientSession(ClientWire wire, SmtpPeer peer, bool lmtp) => (_wire, Peer, _lmtp) = (wire, peer, lmtp);

    public SmtpPeer Peer { get; }

    /// <summary>
    /// Greeting, EHLO (or HELO), STARTTLS and EHLO again, login. Exactly one of the two results is set; the connection is the
    /// session's, or closed. Throws only for cancellation.
    /// </summary>
    /// <param name="connection">Fresh from connecting; with implicit TLS still in clear.</param>
    public static async ValueTask<(SmtpClientSession? Session, SmtpFailure? Failure)> OpenAsync(Connection connection, SmtpClientSettings settings, CancellationToken ct)
    {
        connection.ReadsAfterFailedWrite = true;
        var wire = new ClientWire(connection, settings.Timeouts);
        var opening = new ClientOpening(wire, settings);
        SmtpFailure? failure;
        try
        {
            using (ct.UnsafeRegister(static c => ((Connection)c!).Abort(), connection)) failure = await opening.RunAsync().ConfigureAwait(false);
            ct.ThrowIfCancellationRequested();
        }
        catch
        {
            connection.Abort();
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        if (failure is null) return (new SmtpClientSession(wire, opening.Peer, settings.Lmtp), null);
        await wire.CloseAsync(wait: false).ConfigureAwait(false);
        return (null, failure);
    }

    /// <summary>
    /// Makes one transaction. Cancellation before the final dot breaks it off: nothing was taken, the session is at its end,
    /// and it throws. After the dot the answer is waited for.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled before the final dot.</exception>
    /// <exception cref="ArgumentException">An address or parameter holds CR, LF or NUL. Nothing of that line was sent.</exception>
    public async ValueTask<SmtpOutcome> SendAsync(SmtpOutgoing message, CancellationToken ct)
    {
        var transaction = new OutgoingTransaction(_wire, Peer, _lmtp, message);
        try
        {
            return await transaction.RunAsync(ct).ConfigureAwait(false);
        }
        catch
        {
            // Whatever it was (cancellation, a fault of the content): half a transaction is on the wire.
            _wire.Break(SmtpStage.Text, SmtpFailureKind.Closed, "broken off");
            _wire.Connection.Abort();
            throw;
        }
    }

    /// <summary>False when the peer has closed or spoken out of turn since the last transaction: a reused session is asked before it is used.</summary>
    public bool IsAlive() => !_wire.Broken && _wire.Connection.IsSilent();

    /// <summary>QUIT without waiting for long, then closes.</summary>
    public ValueTask DisposeAsync() => _wire.CloseAsync(wait: true);
}
