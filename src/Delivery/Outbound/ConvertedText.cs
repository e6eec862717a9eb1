using System.Buffers;
using Posthorn.Smtp.Client;
using Posthorn.Storage;

namespace Posthorn.Delivery.Outbound;

/// <summary>A text that was made for a weaker peer: in memory while it is small, else in a temporary file.</summary>
sealed class ConvertedText(BlobWriter blob) : ISmtpContent, IAsyncDisposable
{
    readonly Stream _stream = blob.OpenRead();
    byte[]? _block = ArrayPool<byte>.Shared.Rent(64 << 10);

    public long Length => blob.Length;

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, CancellationToken ct)
    {
        ObjectDisposedException.ThrowIf(_block is null, this);
        _stream.Position = offset;
        return ValueTask.FromResult<ReadOnlyMemory<byte>>(_block.AsMemory(0, _stream.Read(_block)));
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _block, null) is not { } block) return;
        ArrayPool<byte>.Shared.Return(block);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await blob.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>Collects what is written in small pieces for a body that is being written.</summary>
sealed class BlobBuffer(BlobWriter blob) : IBufferWriter<byte>, IDisposable
{
    byte[] _block = ArrayPool<byte>.Shared.Rent(64 << 10);
    int _length;

    public void Advance(int count) => _length += count;
    public Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint);
    public Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).Span;

    Memory<byte> Room(int least)
    {
        if (_block.Length - _length < Math.Max(least, 1))
        {
            Flush();
            if (_block.Length < least)
            {
                ArrayPool<byte>.Shared.Return(_block);
                _block = ArrayPool<byte>.Shared.Rent(least);
            }
        }
        return _block.AsMemory(_length);
    }

    internal void Flush()
    {
        blob.Write(_block.AsSpan(0, _length));
        _length = 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_block);
        _block = [];
    }
}
