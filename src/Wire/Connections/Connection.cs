using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Wire.Connections;

/// <summary>How one read of a line ended.</summary>
public enum LineStatus
{
    /// <summary>A whole line is there, without its CRLF.</summary>
    Line,

    /// <summary>The line was longer than allowed; it was read to its CRLF and thrown away.</summary>
    TooLong,

    /// <summary>The peer closed, or the connection broke.</summary>
    Closed,

    /// <summary>The deadline of the read, or of the session, passed. The output side is still usable.</summary>
    TimedOut,

    /// <summary>The server is draining (<see cref="Connection.Drain"/>) and no input was waiting.</summary>
    Draining,
}

/// <summary>One line read; <see cref="Text"/> is valid until the next read from the same connection.</summary>
/// <param name="Status">How the read ended.</param>
/// <param name="Text">The octets before the CRLF; empty unless <see cref="LineStatus.Line"/>.</param>
public readonly record struct ReadLine(LineStatus Status, ReadOnlyMemory<byte> Text)
{
    /// <summary>
    /// True when the line holds a CR, LF or NUL of its own. Only CRLF ends a line (RFC 5321 §2.3.8): a lenient reader
    /// and a strict one would see different commands in the same octets.
    /// </summary>
    public bool HasBareControl => Text.Span.IndexOfAny((byte)'\r', (byte)'\n', (byte)0) >= 0;
}

/// <summary>
/// One client connection as the protocol sessions see it: buffered input with limits and deadlines, buffered output that
/// is flushed when the session waits for input, and an upgrade to TLS in mid-stream.
/// </summary>
/// <remarks>
/// Not thread-safe: one session owns it. The exceptions are <see cref="Drain"/>, <see cref="Abort"/> and the deadline,
/// which come from other threads and only cut the read side. Output replies survive such a cut, so the session can still
/// say why it ends.
/// </remarks>
public sealed class Connection : IAsyncDisposable
{
    const int InputChunk = 4096;
    const int OutputFlushAt = 32 * 1024;
    static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(10);

    readonly Action _cutReads;
    readonly TimeProvider _time;
    readonly Stream _transport;
    Stream _stream;
    SslStream? _tls;
    byte[] _in = [];
    int _start, _end;
    byte[] _out = [];
    int _outLength;
    long _deadline = long.MaxValue;
    long _sessionDeadline = long.MaxValue;
    volatile int _cut; // 0 none, 1 deadline, 2 drain, 3 abort
    volatile bool _waiting;
    bool _ended;

    /// <param name="stream">The transport; owned and disposed by this object.</param>
    /// <param name="remote">The peer's address.</param>
    /// <param name="local">The address the peer connected to.</param>
    /// <param name="cutReads">Makes a pending read on <paramref name="stream"/> end (for a socket: shutdown of its receive side).</param>
    /// <param name="time">The clock for deadlines.</param>
    public Connection(Stream stream, EndPoint remote, EndPoint local, Action cutReads, TimeProvider time)
    {
        (_transport, _stream, Remote, Local, _cutReads, _time) = (stream, stream, remote, local, cutReads, time);
    }

    /// <summary>The client's address; a trusted PROXY header or XCLIENT replaces it.</summary>
    public EndPoint Remote { get; set; }

    /// <summary>The address the client connected to; a trusted PROXY header replaces it.</summary>
    public EndPoint Local { get; set; }

    /// <summary>The client's IP address, or loopback for a Unix socket.</summary>
    public IPAddress RemoteAddress => Remote is IPEndPoint ip ? ip.Address : IPAddress.IPv6Loopback;

    /// <summary>The TLS layer once there is one.</summary>
    public SslStream? Tls => _tls;

    /// <summary>True when octets of the peer are waiting in the buffer (a pipelining client, or an injection before TLS).</summary>
    public bool HasBufferedInput => _end > _start;

    /// <summary>The octets that were received and not consumed; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Buffered => _in.AsMemory(_start, _end - _start);

    /// <summary>Octets read from the transport since the connection began.</summary>
    public long BytesIn { get; private set; }

    /// <summary>Octets written to the transport since the connection began.</summary>
    public long BytesOut { get; private set; }

    /// <summary>The absolute end of the session, beyond which every read times out; <c>null</c> for none.</summary>
    public void SetSessionDeadline(TimeSpan? fromNow) =>
        _sessionDeadline = fromNow is { } t ? After(t) : long.MaxValue;

    /// <summary>Takes <paramref name="count"/> octets off the front of <see cref="Buffered"/>.</summary>
    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>
    /// Reads one line ended by CRLF. Pending output is flushed first when the read has to wait. A line over
    /// <paramref name="limit"/> octets (CRLF included) is read to its end in bounded memory and reported.
    /// </summary>
    public async ValueTask<ReadLine> ReadLineAsync(int limit, TimeSpan timeout)
    {
        var scanned = 0;
        var tooLong = false;
        var deadline = After(timeout);
        while (true)
        {
            var window = _in.AsSpan(_start, _end - _start);
            var at = window[scanned..].IndexOf("\r\n"u8);
            if (at >= 0)
            {
                var length = scanned + at;
                var text = _in.AsMemory(_start, length);
                _start += length + 2;
                return tooLong || length + 2 > limit ? new(LineStatus.TooLong, default) : new(LineStatus.Line, text);
            }
            if (window.Length > limit)
            {
                tooLong = true;
                _start = _end - 1; // keeps a CR whose LF is still to come
            }
            scanned = Math.Max(0, _end - _start - 1);
            var status = await FillAsync(deadline).ConfigureAwait(false);
            if (status != LineStatus.Line) return new(status, default);
        }
    }

    /// <summary>
    /// Waits until more input is buffered than before. <see cref="LineStatus.Line"/> means that there is more; any other
    /// value is why there will be none.
    /// </summary>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="room">The size of the buffer to read into when none is in use; larger than a command where much is to come.</param>
    public ValueTask<LineStatus> FillAsync(TimeSpan timeout, int room = InputChunk) => FillAsync(After(timeout), room);

    async ValueTask<LineStatus> FillAsync(long deadline, int room = InputChunk)
    {
        if (_ended) return LineStatus.Closed;
        if (_outLength > 0) await FlushAsync().ConfigureAwait(false);
        if (_ended) return LineStatus.Closed;
        try
        {
            _deadline = Math.Min(deadline, _sessionDeadline);
            _waiting = true;
            if (_cut != 0) return CutStatus();
            if (_start == _end)
            {
                _start = _end = 0;
                if (_tls is not null)
                {
                    // An idle TLS connection holds no buffers, neither ours nor that of the TLS layer: wait with an empty
                    // read, then rent. In clear a small buffer is cheaper than the second system call.
                    if (_in.Length > 0) ReturnInput();
                    await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                    if (_cut != 0) return CutStatus();
                }
                else if (_in.Length > 0 && _in.Length != room) ReturnInput();
                if (_in.Length == 0) _in = BufferPool.Rent(room);
            }
            else if (_end == _in.Length)
            {
                if (_start > 0 && _end - _start <= _in.Length / 2) Compact();
                else Grow();
            }
            var n = await _stream.ReadAsync(_in.AsMemory(_end)).ConfigureAwait(false);
            if (n > 0)
            {
                _end += n;
                BytesIn += n;
                return LineStatus.Line;
            }
            if (_cut != 0) return CutStatus();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException)
        {
            if (_cut != 0) return CutStatus();
        }
        finally
        {
            _waiting = false;
            _deadline = long.MaxValue;
        }
        _ended = true;
        return LineStatus.Closed;
    }

    LineStatus CutStatus() => _cut switch { 1 => LineStatus.TimedOut, 2 => LineStatus.Draining, _ => LineStatus.Closed };

    void Compact()
    {
        Buffer.BlockCopy(_in, _start, _in, 0, _end - _start);
        (_start, _end) = (0, _end - _start);
    }

    void Grow()
    {
        var bigger = BufferPool.Rent(_in.Length * 2);
        Buffer.BlockCopy(_in, _start, bigger, 0, _end - _start);
        (_start, _end) = (0, _end - _start);
        BufferPool.Return(_in);
        _in = bigger;
    }

    void ReturnInput()
    {
        BufferPool.Return(_in);
        _in = [];
    }

    /// <summary>Appends to the output buffer. Nothing is sent before <see cref="FlushAsync"/> or the next read that has to wait.</summary>
    public void Write(ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(GetSpan(octets.Length));
        _outLength += octets.Length;
    }

    /// <summary>Room for at least <paramref name="size"/> octets at the end of the output buffer; <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> GetSpan(int size)
    {
        if (_out.Length - _outLength < size)
        {
            var bigger = BufferPool.Rent(Math.Max(1024, Math.Max(_out.Length * 2, _outLength + size)));
            _out.AsSpan(0, _outLength).CopyTo(bigger);
            if (_out.Length > 0) BufferPool.Return(_out);
            _out = bigger;
        }
        return _out.AsSpan(_outLength);
    }

    /// <summary>Says that <paramref name="count"/> octets of the last <see cref="GetSpan"/> were used.</summary>
    public void Advance(int count) => _outLength += count;

    /// <summary>True when so much output is waiting that a long answer should flush before it goes on.</summary>
    public bool ShouldFlush => _outLength >= OutputFlushAt;

    /// <summary>Sends the output buffer. A broken connection is not an error here: the next read says <see cref="LineStatus.Closed"/>.</summary>
    public async ValueTask FlushAsync()
    {
        if (_outLength == 0) return;
        try
        {
            if (!_ended)
            {
                // A peer that does not read must not hold the session: Abort by the deadline ends the write too.
                _deadline = Math.Min(After(WriteTimeout), _sessionDeadline);
                _writing = true;
                await _stream.WriteAsync(_out.AsMemory(0, _outLength)).ConfigureAwait(false);
                BytesOut += _outLength;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException)
        {
            _ended = true;
        }
        finally
        {
            _writing = false;
            _deadline = long.MaxValue;
            _outLength = 0;
            BufferPool.Return(_out);
            _out = [];
        }
    }

    volatile bool _writing;

    /// <summary>How long one flush may take before the connection is aborted.</summary>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Puts TLS on the connection. Everything buffered from before is dropped (the caller has refused the upgrade when
    /// there was any: RFC 3207 §4.2, CVE-2011-0411). Returns false when the handshake failed; the connection is then dead.
    /// </summary>
    public async ValueTask<bool> UpgradeToTlsAsync(SslServerAuthenticationOptions options, TimeSpan timeout)
    {
        await FlushAsync().ConfigureAwait(false);
        if (_in.Length > 0) ReturnInput();
        _start = _end = 0;
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        try
        {
            _deadline = Math.Min(After(timeout), _sessionDeadline);
            _waiting = true;
            if (options is NamedTlsOptions named) await tls.AuthenticateAsServerAsync(named.Callback, null, CancellationToken.None).ConfigureAwait(false);
            else await tls.AuthenticateAsServerAsync(options, CancellationToken.None).ConfigureAwait(false);
            _stream = tls;
            _tls = tls;
            // What was shown is known only now when it depends on the name asked for.
            if (tls.LocalCertificate is X509Certificate2 shown) ServerCertificate = shown;
            return true;
        }
        catch (Exception e)
        {
            // Whatever it was: nobody may go on in clear on this connection.
            TlsFailure = e.InnerException?.Message ?? e.Message;
            _stream = tls;
            _ended = true;
            return false;
        }
        finally
        {
            _waiting = false;
            _deadline = long.MaxValue;
        }
    }

    /// <summary>Why the TLS handshake failed, for the log.</summary>
    public string? TlsFailure { get; private set; }

    /// <summary>
    /// Called by the <see cref="DeadlineWatch"/>, from its own thread, about once a second: cuts the read (or a write that
    /// hangs) whose deadline has passed.
    /// </summary>
    internal void CheckDeadline(long now)
    {
        if (now <= Volatile.Read(ref _deadline)) return;
        if (_writing) Abort();
        else if (_waiting) Cut(1);
    }

    /// <summary>
    /// Asks the session to end: a read that waits with nothing buffered ends as <see cref="LineStatus.Draining"/>. With
    /// <paramref name="evenInTransfer"/> false only sessions that wait for a command should be told; they call
    /// <see cref="IdlePoint"/> around that wait.
    /// </summary>
    public void Drain(bool evenInTransfer)
    {
        _drainWanted = true;
        if (evenInTransfer || _idlePoint) Cut(2);
    }

    volatile bool _drainWanted, _idlePoint;

    /// <summary>True when the server wants the session to end at the next command boundary.</summary>
    public bool DrainWanted => _drainWanted;

    /// <summary>
    /// True once a drain has cut the reads. A command that arrived at the same moment may still be buffered; whoever reads it
    /// must not ask for more (a 354 would invite text that can no longer be read).
    /// </summary>
    public bool Drained => _cut == 2;

    /// <summary>Marks that the session now waits for its next command (true), where a drain may end it, or works (false).</summary>
    public void IdlePoint(bool waiting)
    {
        _idlePoint = waiting;
        if (waiting && _drainWanted && !HasBufferedInput) Cut(2);
    }

    /// <summary>Ends the connection from outside, without a word.</summary>
    public void Abort()
    {
        Cut(3);
        // The transport and not the TLS layer: its owner may be in the middle of using that.
        try { _transport.Dispose(); }
        catch (Exception e) when (e is ObjectDisposedException or SocketException or IOException) { }
    }

    void Cut(int why)
    {
        if (_cut != 0) return;
        _cut = why;
        try { _cutReads(); }
        catch (Exception e) when (e is ObjectDisposedException or SocketException or IOException) { }
    }

    long After(TimeSpan t) => t == Timeout.InfiniteTimeSpan ? long.MaxValue : _time.GetTimestamp() + (long)(t.TotalSeconds * _time.TimestampFrequency);

    /// <summary>Flushes what is pending and closes; with TLS it sends close_notify.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync().ConfigureAwait(false);
        try
        {
            if (_tls is { } tls && !_ended && _cut != 3)
            {
                // close_notify to a peer that does not read waits for room like any other write.
                _deadline = After(GoodbyeTimeout);
                _writing = true;
                await tls.ShutdownAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or SocketException or System.ComponentModel.Win32Exception) { }
        finally
        {
            _writing = false;
            _deadline = long.MaxValue;
        }
        await DiscardInputAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        if (_in.Length > 0) ReturnInput();
        if (_out.Length > 0) { BufferPool.Return(_out); _out = []; }
        _start = _end = 0;
        _ended = true;
    }

    /// <summary>
    /// A socket closed over input that nobody read is reset, and the reset can overtake our last reply. So the rest of what
    /// a client sent is read and thrown away, for a moment and up to a limit.
    /// </summary>
    async ValueTask DiscardInputAsync()
    {
        try
        {
            if (_ended || _cut != 0 || _transport is not NetworkStream { DataAvailable: true } socket) return;
            socket.Socket.Shutdown(SocketShutdown.Send);
            using var moment = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
            var scratch = BufferPool.Rent(16 * 1024);
            for (var left = 1 << 20; left > 0;)
            {
                var n = await socket.ReadAsync(scratch, moment.Token).ConfigureAwait(false);
                if (n == 0) break;
                left -= n;
            }
            BufferPool.Return(scratch);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException) { }
    }

    /// <summary>The certificate whose hash binds SCRAM to this TLS session (tls-server-end-point, RFC 5929 §4), set by the listener.</summary>
    public X509Certificate2? ServerCertificate { get; set; }
}
