using System.IO.Pipelines;
using System.Net;
using Posthorn.Wire.Connections;

namespace Posthorn.Tests.Testing.Transport;

/// <summary>A connection in memory: the server side is a real <see cref="Connection"/>, the client side a stream.</summary>
public sealed class MemoryTransport : IAsyncDisposable
{
    readonly Pipe _toServer = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    readonly Pipe _toClient;
    readonly DeadlineWatch? _watch;

    /// <param name="chunk">The most octets that the server gets from one read; 0 for no limit. 1 splits at every octet.</param>
    /// <param name="unread">Octets that lie between server and client before the server has to wait for the client to read; 0 for no limit.</param>
    public MemoryTransport(TimeProvider time, DeadlineWatch? watch = null, string client = "192.0.2.1", int chunk = 0, int unread = 0)
    {
        _toClient = new(new PipeOptions(pauseWriterThreshold: unread, resumeWriterThreshold: unread / 2, useSynchronizationContext: false));
        var server = new DuplexStream(_toServer.Reader.AsStream(), _toClient.Writer.AsStream(), chunk);
        Client = new DuplexStream(_toClient.Reader.AsStream(), _toServer.Writer.AsStream(), 0);
        Server = new Connection(server, new IPEndPoint(IPAddress.Parse(client), 40000), new IPEndPoint(IPAddress.Parse("192.0.2.25"), 25),
            () =>
            {
                _toServer.Writer.Complete();
                if (unread > 0) _toClient.Reader.Complete();
            }, time);
        _watch = watch;
        watch?.Add(Server);
    }

    /// <summary>The side that the session under test gets.</summary>
    public Connection Server { get; }

    /// <summary>The side that the test plays.</summary>
    public Stream Client { get; }

    /// <summary>Sends octets as the client.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> octets)
    {
        await Client.WriteAsync(octets);
        await Client.FlushAsync();
    }

    /// <summary>The client closes its sending side.</summary>
    public void FinishSending() => _toServer.Writer.Complete();

    public async ValueTask DisposeAsync()
    {
        _watch?.Remove(Server);
        await Server.DisposeAsync();
        _toServer.Writer.Complete();
        _toClient.Writer.Complete();
    }

    sealed class DuplexStream(Stream input, Stream output, int chunk) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => output.Flush();
        public override Task FlushAsync(CancellationToken ct) => output.FlushAsync(ct);
        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, Limit(count));
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default)
        {
            try { return await input.ReadAsync(buffer[..Limit(buffer.Length)], ct); }
            catch (InvalidOperationException e) { throw new IOException("closed", e); } // as a socket says it
        }
        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken ct) => ReadAsync(buffer.AsMemory(offset, count), ct).AsTask();
        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default)
        {
            try
            {
                await output.WriteAsync(buffer, ct);
                await output.FlushAsync(ct);
            }
            catch (InvalidOperationException e) { throw new IOException("closed", e); }
        }
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken ct) => WriteAsync(buffer.AsMemory(offset, count), ct).AsTask();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        int Limit(int n) => chunk > 0 ? Math.Min(chunk, n) : n;
        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            output.Dispose();
            input.Dispose();
        }
    }
}
