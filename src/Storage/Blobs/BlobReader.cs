using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Posthorn.Storage.Blobs;

namespace Posthorn.Storage;

/// <summary>Reads one stored body, checked whole when it was opened.</summary>
public sealed class BlobReader : IDisposable
{
    readonly BlobBody? _small;
    readonly SafeFileHandle? _file;

    internal BlobReader(BlobBody small)
    {
        _small = small;
        Length = small.Memory.Length;
    }

    internal BlobReader(SafeFileHandle file, long length)
    {
        _file = file;
        Length = length;
    }

    public long Length { get; }

    /// <summary>Reads at an offset; throws <see cref="StoreDamageException"/> when the body is not what was stored.</summary>
    public int Read(long offset, Span<byte> into)
    {
        if (_file is not null)
            return RandomAccess.Read(_file, into, offset);
        var octets = _small!.Memory.Span;
        if (offset >= octets.Length)
            return 0;
        var count = (int)Math.Min(into.Length, octets.Length - offset);
        octets.Slice((int)offset, count).CopyTo(into);
        return count;
    }

    /// <summary>The body as a stream; valid until this reader is disposed.</summary>
    public Stream AsStream() => new BodyStream(Length, Read);

    public void Dispose()
    {
        _small?.Dispose();
        _file?.Dispose();
    }
}

/// <summary>The checked octets of a body of at most 1 MiB, in a pooled buffer: dispose it.</summary>
public sealed class BlobBody : IMemoryOwner<byte>
{
    readonly int _length;
    byte[]? _buffer;

    internal BlobBody(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    /// <summary>All of the body.</summary>
    public Memory<byte> Memory => (_buffer ?? throw new ObjectDisposedException(nameof(BlobBody))).AsMemory(0, _length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
