namespace Posthorn.Delivery.Outbound;

/// <summary>A seekable stream over octets that are had by offset.</summary>
sealed class ContentStream(long length, Func<long, ReadOnlyMemory<byte>> read) : Stream
{
    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || Position >= length) return 0;
        var octets = read(Position).Span;
        if (octets.Length > buffer.Length) octets = octets[..buffer.Length];
        octets.CopyTo(buffer);
        Position += octets.Length;
        return octets.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => length + offset,
    };

    public override void Flush() { }
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
