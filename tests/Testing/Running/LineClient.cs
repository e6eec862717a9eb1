using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Posthorn.Tests.Testing.Running;

/// <summary>A connection that speaks CRLF lines, for hand-written dialogues. Every read has a time-out.</summary>
public sealed class LineClient : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Socket _socket;
    Stream _stream;
    byte[] _buffer = new byte[64 * 1024];
    int _start, _end;

    LineClient(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Connects; <paramref name="from"/> chooses the source address.</summary>
    public static async Task<LineClient> ConnectAsync(EndPoint to, CancellationToken ct, IPAddress? from = null)
    {
        var socket = to is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null) socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(to, ct);
            return new LineClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The other end: a connection that a test's own server has accepted.</summary>
    public static LineClient Over(Socket accepted) => new(accepted);

    public async Task StartTlsAsync(CancellationToken ct)
    {
        var tls = new SslStream(_stream, false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "mail.example.test" }, ct);
        _stream = tls;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken ct) => _stream.WriteAsync(octets, ct);

    public ValueTask SendAsync(string line, CancellationToken ct) => _stream.WriteAsync(Encoding.Latin1.GetBytes(line + "\r\n"), ct);

    /// <summary>One line without its CRLF, or null at the end of the stream.</summary>
    public async ValueTask<string?> LineAsync(CancellationToken ct)
    {
        var scanned = 0;
        while (true)
        {
            var at = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = _buffer.AsSpan(_start, scanned + at);
                _start += scanned + at + 1;
                return Encoding.Latin1.GetString(line.TrimEnd((byte)'\r'));
            }
            scanned = _end - _start;
            if (!await FillAsync(ct)) return null;
        }
    }

    /// <summary>One SMTP reply, its lines joined by LF; null at the end of the stream.</summary>
    public async ValueTask<string?> ReplyAsync(CancellationToken ct)
    {
        var all = new StringBuilder();
        while (await LineAsync(ct) is { } line)
        {
            all.Append(line);
            if (line.Length < 4 || line[3] != '-') return all.ToString();
            all.Append('\n');
        }
        return null;
    }

    /// <summary>Sends a command and reads its SMTP reply; throws when the connection ends.</summary>
    public async ValueTask<string> CommandAsync(string command, CancellationToken ct)
    {
        await SendAsync(command, ct);
        return await ReplyAsync(ct) ?? throw new IOException("connection ended after " + command);
    }

    /// <summary>A multi-line answer's body up to its dot line, dots removed, CRLF kept.</summary>
    public async ValueTask<byte[]> DotBlockAsync(CancellationToken ct)
    {
        var body = new MemoryStream();
        while (true)
        {
            var line = await LineAsync(ct) ?? throw new IOException("connection ended inside an answer");
            if (line == ".") return body.ToArray();
            var octets = Encoding.Latin1.GetBytes(line.StartsWith('.') ? line[1..] : line);
            body.Write(octets);
            body.Write("\r\n"u8);
        }
    }

    async ValueTask<bool> FillAsync(CancellationToken ct)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            var count = await _stream.ReadAsync(_buffer.AsMemory(_end), limit.Token);
            _end += count;
            return count > 0;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing was received for {Patience.TotalSeconds} s");
        }
    }

    /// <summary>Ends the connection without a word.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
