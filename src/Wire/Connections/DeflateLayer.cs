using System.IO.Compression;

namespace Posthorn.Wire.Connections;

/// <summary>Raw DEFLATE in both directions over another stream (RFC 4978 §3). Each write is sent whole: its block is flushed.</summary>
sealed class DeflateLayer(Stream inner) : Stream
{
    readonly DeflateStream _reads = new(inner, CompressionMode.Decompress, leaveOpen: true);
    readonly DeflateStream _writes = new(inner, CompressionLevel.Fastest, leaveOpen: true);

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
        // The end of our side would be a write to a peer that may not read: the connection says goodbye in its own way.
        inner.Dispose();
        try { _writes.Dispose(); }
        catch (Exception e) when (e is ObjectDisposedException or IOException) { }
        _reads.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        Dispose(true);
        GC.SuppressFinalize(this);
    }
}
