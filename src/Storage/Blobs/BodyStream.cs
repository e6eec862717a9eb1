namespace Posthorn.Storage.Blobs;

/// <summary>A seekable reading stream over something that reads at offsets.</summary>
sealed class BodyStream(long length, BodyStream.ReadAt read) : Stream
{
    internal delegate int ReadAt(long offset, Span<byte> into);

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        var left = Math.Max(0, length - Position);
        if (left < buffer.Length)
            buffer = buffer[..(int)left];
        if (buffer.IsEmpty)
            return 0;
        var count = read(Position, buffer);
        Position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
