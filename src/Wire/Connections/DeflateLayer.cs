using System.IO.Compression;

namespace Posthorn.Wire.Connections;

/// <summary>Raw DEFLATE in both directions over another stream (RFC 4978 §3). Each write is sent whole: its block is flushed.</summary>
sealed class DeflateLayer : Stream
{
    readonly Outlet _inner;
    readonly DeflateStream _reads, _writes;

    internal DeflateLayer(Stream inner)
    {
        _inner = new Outlet(inner);
        _reads = new DeflateStream(inner, CompressionMode.Decompress, leaveOpen: true);
        _writes = new DeflateStream(_inner, CompressionLevel.Fastest, leaveOpen: true);
    }

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _reads.ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _writes.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        await _writes.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _inner.Dispose();
        _writes.Dispose();
        _reads.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync().ConfigureAwait(false);
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Where the compressed octets go. Once it is closed they go nowhere: the end of our side would be a write to a peer that
    /// may not read, and the connection says goodbye in its own way.
    /// </summary>
    sealed class Outlet(Stream inner) : Stream
    {
        bool _closed;

        public override bool CanRead => false;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            _closed ? default : inner.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => _closed ? Task.CompletedTask : inner.FlushAsync(cancellationToken);

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (!_closed) throw new NotSupportedException();
        }

        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (!disposing || _closed) return;
            _closed = true;
            inner.Dispose();
        }

        public override async ValueTask DisposeAsync()
        {
            _closed = true;
            await inner.DisposeAsync().ConfigureAwait(false);
            GC.SuppressFinalize(this);
        }
    }
}
