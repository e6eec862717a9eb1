using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Posthorn.Tests.Testing.Running;

/// <summary>One message as a sink took it.</summary>
/// <param name="Octets">The text as it came, dot-stuffing undone.</param>
public sealed record TakenMessage(string ReversePath, IReadOnlyList<string> Recipients, byte[] Octets)
{
    /// <summary>The value of the first header field of that name; null when there is none.</summary>
    public string? Field(string name)
    {
        var text = Encoding.Latin1.GetString(Octets);
        foreach (var line in text[..Math.Max(0, text.IndexOf("\r\n\r\n", StringComparison.Ordinal))].Split("\r\n"))
            if (line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase)) return line[(name.Length + 2)..];
        return null;
    }
}

/// <summary>
/// A mail server that takes everything and remembers it. A message is taken the moment its final dot is read, as with real
/// servers: whether the client lives to hear the answer does not matter.
/// </summary>
public sealed class RecordingSink : IAsyncDisposable
{
    readonly Socket _listener;
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentQueue<TakenMessage> _taken = new();
    readonly Task _accepting;
    int _open;

    /// <param name="address">Loopback by default.</param>
    /// <param name="port">0: the kernel chooses.</param>
    public RecordingSink(IPAddress? address = null, int port = 0)
    {
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(address ?? IPAddress.Loopback, port));
        _listener.Listen(512);
        (Address, Port) = (((IPEndPoint)_listener.LocalEndPoint!).Address, ((IPEndPoint)_listener.LocalEndPoint).Port);
        _accepting = AcceptAsync();
    }

    public IPAddress Address { get; }

    public int Port { get; }

    /// <summary>How long an answer to RCPT takes at most; each takes a random part of it.</summary>
    public TimeSpan RcptDelay { get; init; }

    /// <summary>How long after taking a message its answer goes out.</summary>
    public TimeSpan DotDelay { get; init; }

    /// <summary>The answer to RCPT for an address; null for 250.</summary>
    public Func<string, string?>? Rcpt { get; set; }

    /// <summary>What was taken, in order.</summary>
    public IReadOnlyCollection<TakenMessage> Taken => _taken;

    /// <summary>Sessions open now.</summary>
    public int Open => _open;

    /// <summary>Waits until so many messages were taken.</summary>
    public async Task<IReadOnlyList<TakenMessage>> WaitAsync(int count, CancellationToken ct, int seconds = 30)
    {
        for (var waited = 0; _taken.Count < count; waited += 20)
        {
            if (waited > seconds * 1000) throw new TimeoutException($"{_taken.Count} of {count} messages came in {seconds} s");
            await Task.Delay(20, ct);
        }
        return [.. _taken];
    }

    async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                socket.NoDelay = true;
                _ = ServeAsync(socket);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    async Task ServeAsync(Socket socket)
    {
        Interlocked.Increment(ref _open);
        try
        {
            await using var client = LineClient.Over(socket);
            await SessionAsync(client);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or TimeoutException)
        {
            // The client went away, or the test is over.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    async Task SessionAsync(LineClient client)
    {
        var (from, to) = ("", new List<string>());
        await client.SendAsync("220 sink.test ESMTP", _stop.Token);
        while (await client.LineAsync(_stop.Token) is { } line)
        {
            var verb = line.Length < 4 ? line : line[..4].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO":
                    await client.SendAsync("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000", _stop.Token);
                    break;
                case "MAIL":
                    (from, to) = (Path(line), []);
                    await client.SendAsync("250 2.1.0 ok", _stop.Token);
                    break;
                case "RCPT":
                    if (RcptDelay > TimeSpan.Zero) await Task.Delay(Random.Shared.Next((int)RcptDelay.TotalMilliseconds), _stop.Token);
                    var refusal = Rcpt?.Invoke(Path(line));
                    if (refusal is null) to.Add(Path(line));
                    await client.SendAsync(refusal ?? "250 2.1.5 ok", _stop.Token);
                    break;
                case "DATA" when to.Count == 0:
                    await client.SendAsync("503 5.5.1 no recipients", _stop.Token);
                    break;
                case "DATA":
                    await client.SendAsync("354 go on", _stop.Token);
                    _taken.Enqueue(new TakenMessage(from, [.. to], await client.DotBlockAsync(_stop.Token)));
                    if (DotDelay > TimeSpan.Zero) await Task.Delay(DotDelay, _stop.Token);
                    await client.SendAsync("250 2.0.0 taken", _stop.Token);
                    break;
                case "QUIT":
                    await client.SendAsync("221 2.0.0 bye", _stop.Token);
                    return;
                default:
                    await client.SendAsync("250 2.0.0 ok", _stop.Token);
                    break;
            }
        }
    }

    static string Path(string line)
    {
        var (open, close) = (line.IndexOf('<'), line.IndexOf('>'));
        return open < 0 || close < open ? "" : line[(open + 1)..close];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }
}
