using System.Net.Sockets;

namespace Posthorn.Wire.Connections;

/// <summary>
/// What may end the reads of one connection before the peer does: a deadline, a drain, an abort. The first of them is the
/// reason; an abort takes the transport away besides.
/// </summary>
/// <remarks>
/// The one part of a connection that other threads touch: <see cref="Check"/>, <see cref="Drain"/> and <see cref="Abort"/>
/// come from anywhere, the rest from the session that owns the connection.
/// </remarks>
sealed class Cutoff(Stream transport, Action cutReads, TimeProvider time)
{
    const int ByNothing = 0, ByDeadline = 1, ByDrain = 2, ByAbort = 3;

    // Of their own, since a session that idles may write while a read waits.
    long _readDeadline = long.MaxValue, _writeDeadline = long.MaxValue;
    long _sessionDeadline = long.MaxValue;
    volatile int _cut;
    volatile bool _reading, _writing, _writeTimedOut, _drainWanted, _idlePoint;

    internal bool IsCut => _cut != ByNothing;

    internal bool Drained => _cut == ByDrain;

    internal bool Aborted => _cut == ByAbort;

    internal bool TimedOut => _cut == ByDeadline || _writeTimedOut;

    internal bool DrainWanted => _drainWanted;

    /// <summary>What a read that was cut came to.</summary>
    internal LineStatus Status => _cut switch { ByDeadline => LineStatus.TimedOut, ByDrain => LineStatus.Draining, _ => LineStatus.Closed };

    /// <summary>The timestamp so far from now; the end of time for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    internal long After(TimeSpan t) => t == Timeout.InfiniteTimeSpan ? long.MaxValue : time.GetTimestamp() + (long)(t.TotalSeconds * time.TimestampFrequency);

    internal void SetSession(TimeSpan? fromNow) => _sessionDeadline = fromNow is { } t ? After(t) : long.MaxValue;

    /// <summary>The session begins to wait for input, until <paramref name="deadline"/> or the end of the session.</summary>
    internal void BeginRead(long deadline)
    {
        _readDeadline = Math.Min(deadline, _sessionDeadline);
        _reading = true;
    }

    /// <summary>The session begins to wait for room to write; past <paramref name="timeout"/> the connection is aborted.</summary>
    internal void BeginWrite(TimeSpan timeout)
    {
        _writeDeadline = Math.Min(After(timeout), _sessionDeadline);
        _writing = true;
    }

    /// <summary>The last write, which may come after the end of the session.</summary>
    internal void BeginGoodbye(TimeSpan timeout)
    {
        _writeDeadline = After(timeout);
        _writing = true;
    }

    internal void EndRead()
    {
        _reading = false;
        _readDeadline = long.MaxValue;
    }

    internal void EndWrite()
    {
        _writing = false;
        _writeDeadline = long.MaxValue;
    }

    /// <summary>Cuts the read whose deadline has passed; a write that hangs costs the connection.</summary>
    internal void Check(long now)
    {
        if (_writing && now > Volatile.Read(ref _writeDeadline))
        {
            _writeTimedOut = true;
            Abort();
        }
        else if (_reading && now > Volatile.Read(ref _readDeadline)) Cut(ByDeadline);
    }

    /// <summary>Cuts the reads at the next idle point, or at once.</summary>
    internal void Drain(bool evenInTransfer)
    {
        _drainWanted = true;
        if (evenInTransfer || _idlePoint) Cut(ByDrain);
    }

    internal void IdlePoint(bool waiting, bool hasInput)
    {
        _idlePoint = waiting;
        if (waiting && _drainWanted && !hasInput) Cut(ByDrain);
    }

    internal void Abort()
    {
        Cut(ByAbort);
        // The transport and not the TLS layer: its owner may be in the middle of using that.
        try { transport.Dispose(); }
        catch (Exception e) when (e is ObjectDisposedException or SocketException or IOException) { }
    }

    void Cut(int why)
    {
        if (_cut != ByNothing) return;
        _cut = why;
        try { cutReads(); }
        catch (Exception e) when (e is ObjectDisposedException or SocketException or IOException) { }
    }
}
