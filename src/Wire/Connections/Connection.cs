using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Posthorn.Wire.Connections;

/// <summary>
/// One client connection as the protocol sessions see it: buffered input with limits and deadlines, buffered output that
/// is flushed when the session waits for input, and an upgrade to TLS in mid-stream.
/// </summary>
/// <remarks>
/// Not thread-safe: one session owns it; it may flush while a fill of its own waits. The exceptions are <see cref="Drain"/>, <see cref="Abort"/> and the deadline,
/// which come from other threads and only cut the read side (<see cref="Cutoff"/>). Output replies survive such a cut, so
/// the session can still say why it ends.
/// </remarks>
public sealed class Connection : IAsyncDisposable
{
    const int InputChunk = 4096;
    internal const int OutputFlushAt = 32 * 1024;
    static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(10);

    readonly Cutoff _cutoff;
    readonly TimeProvider _time;
    readonly Stream _transport;
    Stream _stream;
    SslStream? _tls;
    DeflateLayer? _deflate;
    InputBuffer _in = new();
    OutputBuffer _out = new();
    bool _ended;

    /// <param name="stream">The transport; owned and disposed by this object.</param>
    /// <param name="remote">The peer's address.</param>
    /// <param name="local">The address the peer connected to.</param>
    /// <param name="cutReads">Makes a pending read on <paramref name="stream"/> end (for a socket: shutdown of its receive side).</param>
    /// <param name="time">The clock for deadlines.</param>
    public Connection(Stream stream, EndPoint remote, EndPoint local, Action cutReads, TimeProvider time)
    {
        (_transport, _stream, Remote, Local, _time) = (stream, stream, remote, local, time);
        _cutoff = new Cutoff(stream, cutReads, time);
    }

    /// <summary>The client's address; a trusted PROXY header or XCLIENT replaces it.</summary>
    public EndPoint Remote { get; set; }

    /// <summary>The address the client connected to; a trusted PROXY header replaces it.</summary>
    public EndPoint Local { get; set; }

    /// <summary>The client's IP address, or loopback for a Unix socket.</summary>
    public IPAddress RemoteAddress => Remote is IPEndPoint ip ? ip.Address : IPAddress.IPv6Loopback;

    /// <summary>The user id of the process at the other end of a Unix socket; null for other connections.</summary>
    public int? PeerUser { get; init; }

    /// <summary>The TLS layer once there is one.</summary>
    public SslStream? Tls => _tls;

    /// <summary>True when octets of the peer are waiting in the buffer (a pipelining client, or an injection before TLS).</summary>
    public bool HasBufferedInput => _in.Count > 0;

    /// <summary>The octets that were received and not consumed; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Buffered => _in.Octets;

    /// <summary>Octets read from the transport since the connection began.</summary>
    public long BytesIn { get; private set; }

    /// <summary>Octets written to the transport since the connection began.</summary>
    public long BytesOut { get; private set; }

    /// <summary>The absolute end of the session, beyond which every read times out; <c>null</c> for none.</summary>
    public void SetSessionDeadline(TimeSpan? fromNow) => _cutoff.SetSession(fromNow);

    /// <summary>Takes <paramref name="count"/> octets off the front of <see cref="Buffered"/>.</summary>
    public void Consume(int count) => _in.Consume(count);

    /// <summary>
    /// Reads one line ended by CRLF. Pending output is flushed first when the read has to wait. A line over
    /// <paramref name="limit"/> octets (CRLF included) is read to its end in bounded memory and reported.
    /// </summary>
    public async ValueTask<ReadLine> ReadLineAsync(int limit, TimeSpan timeout)
    {
        var scanned = 0;
        var tooLong = false;
        var deadline = _cutoff.After(timeout);
        while (true)
        {
            var at = _in.Span[scanned..].IndexOf("\r\n"u8);
            if (at >= 0)
            {
                var text = _in.Octets[..(scanned + at)];
                _in.Consume(text.Length + 2);
                return tooLong || text.Length + 2 > limit ? new(LineStatus.TooLong, default) : new(LineStatus.Line, text);
            }
            if (_in.Count > limit)
            {
                tooLong = true;
                _in.Consume(_in.Count - 1); // keeps a CR whose LF is still to come
            }
            scanned = Math.Max(0, _in.Count - 1);
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
    public ValueTask<LineStatus> FillAsync(TimeSpan timeout, int room = InputChunk) => FillAsync(_cutoff.After(timeout), room);

    /// <summary>The deadline so far from now, for several <see cref="FillAsync(long, int)"/> that must end by the same time.</summary>
    public long DeadlineAfter(TimeSpan time) => _cutoff.After(time);

    /// <summary>As <see cref="FillAsync(TimeSpan, int)"/>, until a <see cref="DeadlineAfter"/>.</summary>
    public async ValueTask<LineStatus> FillAsync(long deadline, int room = InputChunk)
    {
        if (_ended) return LineStatus.Closed;
        if (_out.Count > 0) await FlushAsync().ConfigureAwait(false);
        if (_ended) return LineStatus.Closed;
        try
        {
            _cutoff.BeginRead(deadline);
            if (_cutoff.IsCut) return _cutoff.Status;
            if (_tls is not null && _deflate is null && _in.Count == 0)
            {
                // An idle TLS connection holds no buffers, neither ours nor that of the TLS layer: wait with an empty
                // read, then rent. In clear a small buffer is cheaper than the second system call.
                _in.Release();
                await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                if (_cutoff.IsCut) return _cutoff.Status;
            }
            var n = await _stream.ReadAsync(_in.MakeRoom(room)).ConfigureAwait(false);
            if (n > 0)
            {
                _in.Added(n);
                BytesIn += n;
                return LineStatus.Line;
            }
            if (_cutoff.IsCut) return _cutoff.Status;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException or InvalidDataException)
        {
            if (_cutoff.IsCut) return _cutoff.Status;
        }
        finally
        {
            _cutoff.EndRead();
        }
        _ended = true;
        return LineStatus.Closed;
    }

    /// <summary>Appends to the output buffer. Nothing is sent before <see cref="FlushAsync"/> or the next read that has to wait.</summary>
    public void Write(ReadOnlySpan<byte> octets) => _out.Write(octets);

    /// <summary>Room for at least <paramref name="size"/> octets at the end of the output buffer; <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> GetSpan(int size) => _out.GetSpan(size);

    /// <summary>Says that <paramref name="count"/> octets of the last <see cref="GetSpan"/> were used.</summary>
    public void Advance(int count) => _out.Advance(count);

    /// <summary>True when so much output is waiting that a long answer should flush before it goes on.</summary>
    public bool ShouldFlush => _out.Count >= OutputFlushAt;

    /// <summary>Sends the output buffer. A broken connection is not an error here: the next read says <see cref="LineStatus.Closed"/>.</summary>
    public async ValueTask FlushAsync()
    {
        if (_out.Count == 0) return;
        try
        {
            if (!_ended && !WriteFailed)
            {
                // A peer that does not read must not hold the session: Abort by the deadline ends the write too.
                _cutoff.BeginWrite(WriteTimeout);
                await _stream.WriteAsync(_out.Octets).ConfigureAwait(false);
                BytesOut += _out.Count;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or OperationCanceledException)
        {
            WriteFailed = true;
            _ended = !ReadsAfterFailedWrite;
        }
        finally
        {
            _cutoff.EndWrite();
            _out.Release();
        }
    }

    /// <summary>True once both directions are compressed.</summary>
    public bool Compressed => _deflate is not null;

    /// <summary>
    /// Compresses both directions from here on, raw DEFLATE (RFC 4978). What is in the output buffer goes out as it is. The
    /// caller has seen to it that nothing is buffered from before.
    /// </summary>
    public async ValueTask StartDeflateAsync()
    {
        await FlushAsync().ConfigureAwait(false);
        _in.Release();
        _stream = _deflate = new DeflateLayer(_stream);
    }

    /// <summary>How long one flush may take before the connection is aborted.</summary>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>True once a flush has failed: nothing that is written from then on goes out.</summary>
    public bool WriteFailed { get; private set; }

    /// <summary>
    /// Set by a client: a server that refuses in the middle of a message and closes has said why, and that is still there to
    /// be read after the write has failed.
    /// </summary>
    public bool ReadsAfterFailedWrite { get; set; }

    /// <summary>True when a deadline ended the reads, or a write that hung.</summary>
    public bool TimedOut => _cutoff.TimedOut;

    /// <summary>
    /// True when the peer has neither closed nor sent anything that was not read. What the TLS layer holds back is not seen.
    /// </summary>
    public bool IsSilent()
    {
        if (_ended || WriteFailed || _cutoff.IsCut || HasBufferedInput) return false;
        try { return _transport is not NetworkStream network || !network.Socket.Poll(0, SelectMode.SelectRead); }
        catch (Exception e) when (e is ObjectDisposedException or SocketException) { return false; }
    }

    /// <summary>
    /// Puts TLS on the connection. Everything buffered from before is dropped (the caller has refused the upgrade when
    /// there was any: RFC 3207 §4.2, CVE-2011-0411). Returns false when the handshake failed; the connection is then dead.
    /// </summary>
    public async ValueTask<bool> UpgradeToTlsAsync(SslServerAuthenticationOptions options, TimeSpan timeout)
    {
        var done = await HandshakeAsync(tls => options is NamedTlsOptions named
            ? tls.AuthenticateAsServerAsync(named.Callback, null, CancellationToken.None)
            : tls.AuthenticateAsServerAsync(options, CancellationToken.None), timeout).ConfigureAwait(false);
        // What was shown is known only now when it depends on the name asked for.
        if (done && _tls!.LocalCertificate is X509Certificate2 shown) ServerCertificate = shown;
        return done;
    }

    /// <summary>As the other, from the client's side: what a server sent behind its 220 to STARTTLS is the caller's to refuse.</summary>
    public ValueTask<bool> UpgradeToTlsAsync(SslClientAuthenticationOptions options, TimeSpan timeout) =>
        HandshakeAsync(tls => tls.AuthenticateAsClientAsync(options, CancellationToken.None), timeout);

    async ValueTask<bool> HandshakeAsync(Func<SslStream, Task> handshake, TimeSpan timeout)
    {
        await FlushAsync().ConfigureAwait(false);
        _in.Release();
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        try
        {
            _cutoff.BeginRead(_cutoff.After(timeout));
            await handshake(tls).ConfigureAwait(false);
            _stream = tls;
            _tls = tls;
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
            _cutoff.EndRead();
        }
    }

    /// <summary>Why the TLS handshake failed, for the log.</summary>
    public string? TlsFailure { get; private set; }

    /// <summary>
    /// Called by the <see cref="DeadlineWatch"/>, from its own thread, about once a second: cuts the read (or a write that
    /// hangs) whose deadline has passed.
    /// </summary>
    internal void CheckDeadline(long now) => _cutoff.Check(now);

    /// <summary>
    /// Asks the session to end: a read that waits with nothing buffered ends as <see cref="LineStatus.Draining"/>. With
    /// <paramref name="evenInTransfer"/> false only sessions that wait for a command should be told; they call
    /// <see cref="IdlePoint"/> around that wait.
    /// </summary>
    public void Drain(bool evenInTransfer) => _cutoff.Drain(evenInTransfer);

    /// <summary>True when the server wants the session to end at the next command boundary.</summary>
    public bool DrainWanted => _cutoff.DrainWanted;

    /// <summary>
    /// True once a drain has cut the reads. A command that arrived at the same moment may still be buffered; whoever reads it
    /// must not ask for more (a 354 would invite text that can no longer be read).
    /// </summary>
    public bool Drained => _cutoff.Drained;

    /// <summary>Marks that the session now waits for its next command (true), where a drain may end it, or works (false).</summary>
    public void IdlePoint(bool waiting) => _cutoff.IdlePoint(waiting, HasBufferedInput);

    /// <summary>Ends the connection from outside, without a word.</summary>
    public void Abort() => _cutoff.Abort();

    /// <summary>Flushes what is pending and closes; with TLS it sends close_notify.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync().ConfigureAwait(false);
        try
        {
            if (_tls is { } tls && !_ended && !_cutoff.Aborted)
            {
                // close_notify to a peer that does not read waits for room like any other write.
                _cutoff.BeginGoodbye(GoodbyeTimeout);
                await tls.ShutdownAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or SocketException or System.ComponentModel.Win32Exception) { }
        finally
        {
            _cutoff.EndWrite();
        }
        if (!_ended && !_cutoff.IsCut) await UnreadInput.DiscardAsync(_transport, _time).ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        _in.Release();
        _out.Release();
        _ended = true;
    }

    /// <summary>The certificate whose hash binds SCRAM to this TLS session (tls-server-end-point, RFC 5929 §4), set by the listener.</summary>
    public X509Certificate2? ServerCertificate { get; set; }
}
